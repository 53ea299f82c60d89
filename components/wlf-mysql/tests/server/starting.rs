//! Every way to begin, to end, and to go on.

use serde_json::json;
use wlf_core::{Exit, Fault, Position};

use crate::Server;
use crate::collecting::{Reading, assert_whole};

#[tokio::test]
async fn latest_gives_what_is_written_from_then_on() {
    let mut server = Server::take().await;
    server.with_table("wlf_latest").await;
    server.insert("wlf_latest", 1..3).await;
    let mut reading = Reading::new(&server, "wlf_latest", json!({}));
    reading.connect().await;
    server.insert("wlf_latest", 3..5).await;
    reading.read_rows(2).await;
    assert_eq!(reading.column("id"), [3, 4]);
    assert_whole(&mut server, &reading).await;
}

#[tokio::test]
async fn latest_stays_where_it_was_over_a_reconnection_before_the_first_row() {
    let mut server = Server::take().await;
    server.with_table("wlf_again").await;
    let mut reading = Reading::new(&server, "wlf_again", json!({}));
    reading.connect().await;
    server.insert("wlf_again", 1..2).await;
    reading.connect_after(None).await.unwrap();
    server.insert("wlf_again", 2..3).await;
    reading.read_rows(2).await;
    assert_eq!(reading.column("id"), [1, 2]);
}

#[tokio::test]
async fn earliest_to_the_end_and_no_row_the_second_time() {
    let mut server = Server::take().await;
    server.with_table("wlf_earliest").await;
    server.insert("wlf_earliest", 1..4).await;
    server.run("FLUSH BINARY LOGS").await;
    server.insert("wlf_earliest", 4..6).await;
    let options = json!({"start": "earliest", "stop_at_end": true});
    let mut first = Reading::new(&server, "wlf_earliest", options.clone());
    first.connect().await.read_all().await;
    assert_eq!(first.column("id"), [1, 2, 3, 4, 5]);
    assert_whole(&mut server, &first).await;
    let mut second = Reading::new(&server, "wlf_earliest", options);
    second.position = first.position.clone();
    second.connect().await.read_all().await;
    assert_eq!(second.rows.len(), 0);
    assert_eq!(second.position, first.position);
}

#[tokio::test]
async fn nothing_to_read_ends_at_once() {
    let mut server = Server::take().await;
    server.with_table("wlf_nothing").await;
    for flush in [false, true] {
        if flush {
            server.run("FLUSH BINARY LOGS").await;
        }
        let mut reading = Reading::new(&server, "wlf_nothing", json!({"stop_at_end": true}));
        reading.connect().await.read_all().await;
        assert_whole(&mut server, &reading).await;
        assert_eq!(reading.place("file"), server.end().await.0);
    }
}

#[tokio::test]
async fn stop_at_end_is_the_end_of_the_beginning() {
    let mut server = Server::take().await;
    server.with_table("wlf_end").await;
    server.insert("wlf_end", 1..4).await;
    let options = json!({"start": "earliest", "stop_at_end": true});
    let mut reading = Reading::new(&server, "wlf_end", options);
    reading.connect().await;
    // Written after the start: another run's.
    server.insert("wlf_end", 4..6).await;
    reading.read_all().await;
    assert_eq!(reading.column("id"), [1, 2, 3]);
    reading.connect().await;
    reading.read_all().await;
    assert_eq!(reading.column("id"), [1, 2, 3]);
}

#[tokio::test]
async fn behind_a_set_of_gtids() {
    let mut server = Server::take().await;
    server.with_table("wlf_gtid").await;
    server.insert("wlf_gtid", 1..3).await;
    let set = server.text("SELECT @@GLOBAL.gtid_executed").await;
    server.insert("wlf_gtid", 3..5).await;
    let options = json!({"start": {"gtid": set}, "stop_at_end": true});
    let mut reading = Reading::new(&server, "wlf_gtid", options);
    reading.connect().await.read_all().await;
    assert_eq!(reading.column("id"), [3, 4]);
    assert_whole(&mut server, &reading).await;
}

#[tokio::test]
async fn at_a_file_and_position() {
    let mut server = Server::take().await;
    server.run("FLUSH BINARY LOGS").await;
    server.with_table("wlf_file").await;
    server.insert("wlf_file", 1..3).await;
    let (file, position) = server.end().await;
    server.insert("wlf_file", 3..5).await;
    let options = json!({"start": {"file": file, "position": position}, "stop_at_end": true});
    let mut reading = Reading::new(&server, "wlf_file", options);
    reading.connect().await.read_all().await;
    assert_eq!(reading.column("id"), [3, 4]);
    // The set has what was executed before, too.
    assert_whole(&mut server, &reading).await;
    let options = json!({"start": {"file": file}, "stop_at_end": true});
    let mut reading = Reading::new(&server, "wlf_file", options);
    reading.connect().await.read_all().await;
    assert_eq!(reading.column("id"), [1, 2, 3, 4]);
    assert_whole(&mut server, &reading).await;
}

#[tokio::test]
async fn a_position_that_is_none_is_refused() {
    let mut server = Server::take().await;
    server.with_table("wlf_none").await;
    server.insert("wlf_none", 1..2).await;
    let (file, position) = server.end().await;
    for (position, words) in [
        (position - 1, "no event begins there"),
        (position - 31, "inside of a transaction"),
        (position + 1000, "has only"),
    ] {
        let options = json!({"start": {"file": file, "position": position}});
        let mut reading = Reading::new(&server, "wlf_none", options);
        let fault = reading.connect_after(None).await.unwrap_err();
        assert_eq!(fault.exit(), Exit::Data, "{fault}");
        assert!(fault.to_string().contains(words), "{position}: {fault}");
        assert!(fault.hint.is_some());
    }
}

#[tokio::test]
async fn at_a_time() {
    let mut server = Server::take().await;
    server.with_table("wlf_time").await;
    // Three files, each written in a second of its own.
    let time = |seconds: u32| 1_700_000_000 + seconds;
    for (n, id) in (1..4).enumerate() {
        let at = time(10 * n as u32);
        server.run(&format!("SET TIMESTAMP = {at}")).await;
        server.insert("wlf_time", id..id + 1).await;
    }
    server.run("SET TIMESTAMP = DEFAULT").await;
    // The times in the server's files are real: so the second that is looked for is, too.
    server.run("FLUSH BINARY LOGS").await;
    server.run("DO SLEEP(1.1)").await;
    let begin = server.text("SELECT UNIX_TIMESTAMP()").await;
    server.run("DO SLEEP(1.1)").await;
    server.insert("wlf_time", 4..6).await;
    server.run("FLUSH BINARY LOGS").await;
    server.insert("wlf_time", 6..7).await;
    let seconds: u32 = begin.parse().unwrap();
    let options = json!({"start": {"timestamp": seconds}, "stop_at_end": true});
    let mut reading = Reading::new(&server, "wlf_time", options);
    reading.connect().await.read_all().await;
    assert_eq!(reading.column("id"), [4, 5, 6]);
    assert_whole(&mut server, &reading).await;
    let text = server
        .text(&format!(
            "SELECT DATE_FORMAT(CONVERT_TZ(FROM_UNIXTIME({seconds}), @@time_zone, '+00:00'), '%Y-%m-%dT%H:%i:%sZ')"
        ))
        .await;
    let options = json!({"start": {"timestamp": text}, "stop_at_end": true});
    let mut reading = Reading::new(&server, "wlf_time", options);
    reading.connect().await.read_all().await;
    assert_eq!(reading.column("id"), [4, 5, 6]);
    let options = json!({"start": {"timestamp": 4_000_000_000_u32}, "stop_at_end": true});
    let mut reading = Reading::new(&server, "wlf_time", options);
    reading.connect().await.read_all().await;
    assert_eq!(reading.rows.len(), 0);
}

#[tokio::test]
async fn a_saved_position_goes_on() {
    let mut server = Server::take().await;
    server.with_table("wlf_resume").await;
    let mut reading = Reading::new(&server, "wlf_resume", json!({}));
    reading.connect().await;
    server.insert("wlf_resume", 1..4).await;
    reading.read_rows(3).await;
    let saved = reading.position.clone();
    server.insert("wlf_resume", 4..5).await;
    server.run("FLUSH BINARY LOGS").await;
    server.run("CREATE TABLE wlf_resume.u (id INT)").await;
    server.insert("wlf_resume", 5..6).await;
    let mut again = Reading::new(&server, "wlf_resume", json!({"start": "earliest"}));
    again.position = saved;
    again.connect().await.read_rows(2).await;
    assert_eq!(again.column("id"), [4, 5]);
    assert_whole(&mut server, &again).await;
}

#[tokio::test]
async fn a_position_that_the_server_does_not_have_ends_with_65() {
    let mut server = Server::take().await;
    server.with_table("wlf_foreign").await;
    let executed = server.text("SELECT @@GLOBAL.gtid_executed").await;
    let executed: String = executed.split_whitespace().collect();
    let stranger = "11111111-2222-3333-4444-555555555555:1-5";
    let saved = Position(json!({
        "server_uuid": "11111111-2222-3333-4444-555555555555",
        "file": "binlog.000001",
        "position": 4,
        "gtid_set": format!("{executed},{stranger}"),
    }));
    let mut reading = Reading::new(&server, "wlf_foreign", json!({}));
    let fault = reading.connect_after(Some(&saved)).await.unwrap_err();
    assert_eq!(fault.exit(), Exit::Data, "{fault}");
    assert!(
        fault
            .to_string()
            .contains(&format!("has never executed {stranger}")),
        "{fault}"
    );
    // Any server that has the transactions will do.
    let saved = Position(json!({
        "server_uuid": "11111111-2222-3333-4444-555555555555",
        "file": "binlog.000001",
        "position": 4,
        "gtid_set": executed,
    }));
    reading.connect_after(Some(&saved)).await.unwrap();
    server.insert("wlf_foreign", 1..2).await;
    reading.read_rows(1).await;
    let nonsense = Position(json!({"offset": 7}));
    let fault = reading.connect_after(Some(&nonsense)).await.unwrap_err();
    assert_eq!(fault.exit(), Exit::Data, "{fault}");
}

#[tokio::test]
async fn the_files_of_another_server_are_not_taken_for_this_ones() {
    let mut server = Server::take().await;
    server.with_table("wlf_failover").await;
    let executed = server.text("SELECT @@GLOBAL.gtid_executed").await;
    let executed: String = executed.split_whitespace().collect();
    // The server that was read before had come far further in its own files.
    let saved = Position(json!({
        "server_uuid": "11111111-2222-3333-4444-555555555555",
        "file": "binlog.999999",
        "position": 4_000_000,
        "gtid_set": executed,
    }));
    server.insert("wlf_failover", 1..3).await;
    let options = json!({"stop_at_end": true});
    let mut reading = Reading::new(&server, "wlf_failover", options);
    reading.connect_after(Some(&saved)).await.unwrap();
    reading.read_all().await;
    assert_eq!(reading.column("id"), [1, 2]);
    let position = reading.position.clone().unwrap();
    let uuid = server.text("SELECT @@GLOBAL.server_uuid").await;
    assert_eq!(position.0["server_uuid"], uuid.as_str());
}

#[tokio::test]
async fn a_purged_position_ends_with_69() {
    let mut server = Server::take().await;
    server.with_table("wlf_purge").await;
    let mut reading = Reading::new(&server, "wlf_purge", json!({}));
    reading.connect().await;
    server.insert("wlf_purge", 1..2).await;
    reading.read_rows(1).await;
    let saved = reading.position.clone();
    let old = server.end().await.0;
    drop(reading);
    server.insert("wlf_purge", 2..3).await;
    server.run("FLUSH BINARY LOGS").await;
    let oldest = server.end().await.0;
    server.purge_to(&oldest).await;
    let mut again = Reading::new(&server, "wlf_purge", json!({}));
    let by_gtid: Fault = again.connect_after(saved.as_ref()).await.unwrap_err();
    let options = json!({"start": {"file": old}});
    let mut by_file = Reading::new(&server, "wlf_purge", options);
    let by_file: Fault = by_file.connect_after(None).await.unwrap_err();
    for fault in [by_gtid, by_file] {
        assert_eq!(fault.exit(), Exit::Unavailable, "{fault}");
        let shown = fault.to_string();
        assert!(shown.contains(&oldest) && shown.contains(&old), "{shown}");
        assert!(fault.hint.unwrap().contains("binlog_expire_logs_seconds"));
    }
    // Whoever begins anew on such a server has the purged ones in the set.
    let options = json!({"start": "earliest", "stop_at_end": true});
    let mut fresh = Reading::new(&server, "wlf_purge", options);
    fresh.connect().await.read_all().await;
    assert_whole(&mut server, &fresh).await;
}

#[tokio::test]
async fn tagged_gtids_go_on() {
    let mut server = Server::take().await;
    server.with_table("wlf_tagged").await;
    server.run("SET GTID_NEXT = 'AUTOMATIC:wlf'").await;
    server.insert("wlf_tagged", 1..3).await;
    server.run("SET GTID_NEXT = 'AUTOMATIC'").await;
    let mut reading = Reading::new(&server, "wlf_tagged", json!({}));
    reading.connect().await;
    server.insert("wlf_tagged", 3..4).await;
    reading.read_rows(1).await;
    server.run("SET GTID_NEXT = 'AUTOMATIC:wlf'").await;
    server.insert("wlf_tagged", 4..6).await;
    server.run("SET GTID_NEXT = 'AUTOMATIC'").await;
    reading.read_rows(3).await;
    assert_whole(&mut server, &reading).await;
    server.insert("wlf_tagged", 6..7).await;
    reading.connect().await.read_rows(4).await;
    assert_eq!(reading.column("id"), [3, 4, 5, 6]);
}
