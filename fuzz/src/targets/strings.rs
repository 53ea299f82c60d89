//! Strings of JSON, and the buffer that all is written to.

use wlf_core::format::Buffer;
use wlf_core::value::Text;

use super::{joined, parts};

/// What is written sixteen bytes at a time is what `serde_json` writes of each byte on its own.
pub fn string(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut out = Buffer::new();
    out.string_in_lower_case(bytes.into(), None);
    let plain = serde_json::to_string(&text).expect("text");
    assert_eq!(String::from_utf8_lossy(out.as_slice()), plain);
    // What is behind a text is not looked at, whatever it is.
    for behind in [
        "aaaaaaaaaaaaaaaa",
        "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"",
        "éééééééé",
    ] {
        let memory = [bytes, behind.as_bytes()].concat();
        let text = Text::at_front(&memory, bytes.len()).expect("memory");
        out.clear();
        out.string_in_lower_case(text, None);
        assert_eq!(String::from_utf8_lossy(out.as_slice()), plain);
    }
    out.clear();
    out.string(bytes);
    let read: String = serde_json::from_slice(out.as_slice()).expect("a string of JSON");
    assert_eq!(read, text);
}

pub fn string_seeds() -> Vec<Vec<u8>> {
    let texts = [
        "",
        "plain text that is longer than sixteen bytes, and then some",
        "quotes \" and \\ in it, \n and \u{1} and \u{7f} as well",
        "Größe 日本 \u{1f600} behind sixteen bytes of text: é",
    ];
    let mut seeds: Vec<_> = texts.map(|text| text.as_bytes().to_vec()).to_vec();
    // Not UTF-8: alone, cut short, and at the end of sixteen bytes.
    seeds.push(b"\xff 0123456789abc\xe3\x81 and \xf0\x9f\x98".to_vec());
    seeds
}

/// Pieces that are written one after the other stand there as in a plain `Vec`; the first byte of each says how.
pub fn buffer(bytes: &[u8]) {
    let mut out = Buffer::new();
    let mut plain = Vec::new();
    for part in parts(bytes) {
        let Some((way, piece)) = part.split_first() else {
            continue;
        };
        match way % 6 {
            0 => {
                out.byte(*way);
                plain.push(*way);
            }
            1 => {
                out.text(piece);
                plain.extend(String::from_utf8_lossy(piece).as_bytes());
            }
            2 => {
                out.truncate(piece.len() * 4);
                plain.truncate(piece.len() * 4);
            }
            3 => {
                let mut alone = Buffer::new();
                alone.string(piece);
                out.string(piece);
                plain.extend(alone.as_slice());
            }
            _ => {
                out.put(piece);
                plain.extend(piece);
            }
        }
        assert_eq!(out.as_slice(), plain);
    }
}

pub fn buffer_seeds() -> Vec<Vec<u8>> {
    let text = "text of some length: é, \u{1f600}, \"quoted\"".repeat(3);
    let ways = [
        &[0u8, 1, 2, 3, 4][..],
        &[4, 4, 3, 2, 3, 4, 1],
        &[3, 0, 3, 0],
    ];
    let piece = |way: &u8| [&[*way], &text.as_bytes()[..usize::from(*way) * 17]].concat();
    let seed = |ways: &&[u8]| {
        let pieces: Vec<_> = ways.iter().map(piece).collect();
        joined(pieces.iter().map(Vec::as_slice))
    };
    ways.iter().map(seed).collect()
}
