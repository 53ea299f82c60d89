use std::cell::Cell;
use std::rc::Rc;

use tokio::task::{LocalSet, spawn_local, yield_now};
use wlf_core::Headers;

use super::*;
use crate::produce::ROOM;
use crate::testing::{Batch, Broker, LEADER};

const TOPIC: &str = "shop.orders";

/// A flow to so many partitions of a broker, and lanes for them.
async fn flow(
    broker: &Broker,
    partitions: usize,
    compression: Compression,
) -> (Flow, Cluster, Lanes) {
    let address = broker.address.parse().expect("an address");
    let cluster = Cluster::connect(&Broker::dial(), &[address], None).await;
    let producer = Producer { id: 77, epoch: 0 };
    let mut flow = Flow::new(Some(producer), compression);
    let mut lanes = Lanes::new(ROOM);
    let leaders = vec![LEADER; partitions];
    flow.partitions.add(TOPIC, &leaders, &mut lanes);
    flow.begin();
    (flow, cluster.expect("a cluster"), lanes)
}

/// A chunk of a lane, of some 500 KB that hardly repeat.
fn chunk(lane: usize, lanes: &mut Lanes) -> Chunk {
    for row in 0..5_000u32 {
        let numbers = (0..10).map(|n| (row * 10 + n).wrapping_mul(2_654_435_761).to_string());
        let value = numbers.collect::<String>();
        let value = Some(value.as_bytes());
        lanes.push(lane, usize::MAX, row, None, value, Headers::default());
    }
    lanes.fill();
    lanes.take_full().expect("a chunk").1
}

/// Compressing ten batches takes a hundred milliseconds, in which others want to run.
#[tokio::test(flavor = "current_thread")]
async fn others_run_while_chunks_are_compressed() {
    const PARTITIONS: usize = 10;
    let judge = |batch: &Batch| {
        assert_eq!(batch.topic, TOPIC);
        assert!((0..PARTITIONS as i32).contains(&batch.partition));
        assert!(batch.bytes < BATCH * 2 / 3, "{} bytes", batch.bytes);
        0
    };
    let broker = Broker::start(PARTITIONS as i32, judge).await;
    let (mut flow, mut cluster, mut lanes) = flow(&broker, PARTITIONS, Compression::Gzip).await;
    let first = chunk(0, &mut lanes);
    // Connects, which takes turns by itself.
    flow.add(0, first, &cluster, &mut lanes).await;
    let turns = Rc::new(Cell::new(0));
    let other = turns.clone();
    LocalSet::new()
        .run_until(async {
            spawn_local(async move {
                loop {
                    other.set(other.get() + 1);
                    yield_now().await;
                }
            });
            for lane in 1..PARTITIONS {
                let before = turns.get();
                let chunk = chunk(lane, &mut lanes);
                flow.add(lane, chunk, &cluster, &mut lanes).await;
                assert!(turns.get() > before, "none for partition {lane}");
            }
            flow.finish(&mut cluster, &mut lanes).await;
        })
        .await;
    assert!(flow.end().failed.is_none());
    assert_eq!(broker.batches(), PARTITIONS);
    for lane in 0..PARTITIONS {
        assert_eq!(broker.values(TOPIC, lane as i32).len(), 5_000);
    }
}

/// What is compressed for one partition is under way while that of the next is.
#[tokio::test(flavor = "current_thread")]
async fn chunks_of_a_partition_keep_their_order_in_every_compression() {
    for compression in [Compression::None, Compression::Gzip, Compression::Snappy] {
        let broker = Broker::start(2, |_| 0).await;
        let (mut flow, mut cluster, mut lanes) = flow(&broker, 2, compression).await;
        for row in 0..40u32 {
            let lane = row as usize % 2;
            let value = format!("{row:60000}{:60000}", "");
            let value = Some(value.as_bytes());
            lanes.push(lane, usize::MAX, row, None, value, Headers::default());
            lanes.fill();
            let (lane, chunk) = lanes.take_full().expect("a chunk");
            flow.add(lane, chunk, &cluster, &mut lanes).await;
            flow.make_room(&mut cluster, &mut lanes).await;
        }
        flow.finish(&mut cluster, &mut lanes).await;
        assert!(flow.end().failed.is_none());
        for lane in 0..2 {
            let values = broker.values(TOPIC, lane).into_iter();
            let rows: Vec<i32> = values
                .map(|value| value.trim().parse().expect("a row"))
                .collect();
            assert_eq!(
                rows,
                (lane..40).step_by(2).collect::<Vec<_>>(),
                "{compression:?}"
            );
        }
    }
}
