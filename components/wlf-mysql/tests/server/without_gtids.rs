//! A server with `gtid_mode=OFF`: positions are a file and an offset.

use serde_json::json;
use wlf_core::{Exit, Position};

use crate::Server;
use crate::collecting::{Reading, assert_whole};

#[tokio::test]
async fn file_and_position_do_it_all() {
    let mut server = Server::take().await;
    server.with_table("wlf_off").await;
    let mut before = Reading::new(&server, "wlf_off", json!({"stop_at_end": true}));
    before.connect().await.read_all().await;
    server.gtid_mode("OFF").await;

    // latest, and going on.
    let mut reading = Reading::new(&server, "wlf_off", json!({}));
    reading.connect().await;
    server.insert("wlf_off", 1..3).await;
    reading.read_rows(2).await;
    assert!(reading.place("gtid_set").is_null());
    server.run("FLUSH BINARY LOGS").await;
    server.insert("wlf_off", 3..5).await;
    reading.connect().await.read_rows(4).await;
    assert_eq!(reading.column("id"), [1, 2, 3, 4]);

    // A position from before, which has GTIDs, goes on by its file.
    let mut again = Reading::new(&server, "wlf_off", json!({"stop_at_end": true}));
    again.position = before.position.clone();
    let before = again.connect().await.read_all().await;
    assert_eq!(before.column("id"), [1, 2, 3, 4]);

    // earliest to the end, twice.
    server.forget_binlog().await;
    let mut reading = Reading::new(&server, "wlf_off", json!({}));
    reading.connect().await;
    server.insert("wlf_off", 5..7).await;
    reading.read_rows(2).await;
    let options = json!({"start": "earliest", "stop_at_end": true});
    let mut bounded = Reading::new(&server, "wlf_off", options.clone());
    bounded.connect().await.read_all().await;
    assert_eq!(bounded.column("id"), [5, 6]);
    let mut second = Reading::new(&server, "wlf_off", options);
    second.position = bounded.position.clone();
    second.connect().await.read_all().await;
    assert_eq!(second.rows.len(), 0);

    // Another server's position, one behind the end, and one of a file that is still to come.
    let mut place = reading.position.clone().unwrap().0;
    place["server_uuid"] = json!("11111111-2222-3333-4444-555555555555");
    let mut faults = vec![
        reading
            .connect_after(Some(&Position(place)))
            .await
            .unwrap_err(),
    ];
    let mut place = reading.position.clone().unwrap().0;
    place["position"] = json!(1_000_000_000);
    faults.push(
        reading
            .connect_after(Some(&Position(place)))
            .await
            .unwrap_err(),
    );
    let mut place = reading.position.clone().unwrap().0;
    place["file"] = json!("binlog.999999");
    faults.push(
        reading
            .connect_after(Some(&Position(place)))
            .await
            .unwrap_err(),
    );

    // A set of GTIDs is of no use here.
    let options = json!({"start": {"gtid": "11111111-2222-3333-4444-555555555555:1-5"}});
    let mut by_gtid = Reading::new(&server, "wlf_off", options);
    faults.push(by_gtid.connect_after(None).await.unwrap_err());

    // GTIDs are turned on while a stream is open, which begins a file: the position gets a set of them.
    reading.connect().await;
    for mode in ["OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"] {
        server.run(&format!("SET GLOBAL gtid_mode = {mode}")).await;
    }
    server.reconnect().await;
    server.insert("wlf_off", 7..8).await;
    reading.read_rows(3).await;
    assert_whole(&mut server, &reading).await;
    reading.connect().await;
    server.insert("wlf_off", 8..9).await;
    reading.read_rows(4).await;
    assert_whole(&mut server, &reading).await;
    drop(reading);
    server.forget_binlog().await;

    let words = [
        "without GTIDs",
        "has only",
        "its newest file is",
        "has no GTIDs",
    ];
    for (fault, words) in faults.iter().zip(words) {
        assert_eq!(fault.exit(), Exit::Data, "{fault}");
        assert!(fault.to_string().contains(words), "{fault}");
    }
}
