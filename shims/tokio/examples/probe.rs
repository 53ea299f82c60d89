//! Shows what a guest of WasmEdge gets from this tokio, for the tests of the module: `probe wake`, `probe lookup HOST`,
//! `probe connect ADDRESS`.

use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        match argument().as_str() {
            "wake" => wake().await,
            "lookup" => match lookup_host((argument().as_str(), 1)).await {
                Ok(addresses) => addresses.for_each(|address| println!("{address}")),
                Err(error) => println!("{:?}: {error}", error.kind()),
            },
            _ => match TcpStream::connect(argument()).await {
                Ok(stream) => println!("connected to {}", stream.peer_addr().expect("a peer")),
                Err(error) => println!("{:?}: {error}", error.kind()),
            },
        }
    });
}

/// Waits in `block_on` itself for a task, while the only timer is an hour away.
async fn wake() {
    let timer = tokio::spawn(sleep(Duration::from_secs(3600)));
    let (ready, wait) = oneshot::channel();
    tokio::spawn(async move {
        // Long after what `block_on` waits for was polled.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        ready.send("woken")
    });
    println!("{}", wait.await.expect("the task's word"));
    // And a second time, after the runtime has been parked.
    let parked = timeout(Duration::from_millis(10), timer).await;
    assert!(parked.is_err(), "the timer is an hour away");
    println!("woken again");
}
