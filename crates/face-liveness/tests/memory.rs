//! After an answer, the process's memory holds neither the text, nor the file, nor the pixels of the picture.
//!
//! Linux only, for `/proc/self/mem`. One test, so that no other test's picture is in the same memory.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use face_liveness::Engine;
use face_liveness::image::{Limits, decode};
use zeroize::Zeroizing;

/// How much of the picture has to stand in memory to count as found: far more than chance gives.
const NEEDLE: usize = 48;
/// What is looked for is kept under this mask, or the search would find its own needles.
const MASK: u8 = 0x5a;

/// Pieces from all over a buffer, masked.
fn needles(haystack: &[u8]) -> Vec<Vec<u8>> {
    let starts = (1..100).map(|i| i * (haystack.len() - NEEDLE) / 100);
    let masked =
        |start: usize| haystack[start..start + NEEDLE].iter().map(|byte| byte ^ MASK).collect::<Vec<_>>();
    // Flat parts (a background, a run of zeros) could stand anywhere.
    let is_flat = |needle: &Vec<u8>| needle.iter().collect::<std::collections::HashSet<_>>().len() < 16;
    starts.map(masked).filter(|needle| !is_flat(needle)).collect()
}

/// How many of the needles stand somewhere in this process's writable memory.
fn found(needles: &[Vec<u8>]) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut seen = vec![false; needles.len()];
    let mut buffer = Zeroizing::new(vec![0; 1 << 20]);
    // The search leaves itself out: what it reads there is what it read before.
    let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + buffer.len() as u64;
    for line in
        maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw")))
    {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [mut from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).unwrap());
        while from < to {
            if own.contains(&from) {
                from = own.end;
                continue;
            }
            let until = if from < own.start { to.min(own.start) } else { to };
            let length = buffer.len().min((until - from) as usize);
            memory.seek(SeekFrom::Start(from)).unwrap();
            if memory.read_exact(&mut buffer[..length]).is_err() {
                break; // [vvar] and its like cannot be read
            }
            buffer.iter_mut().for_each(|byte| *byte ^= MASK);
            for (needle, seen) in needles.iter().zip(&mut seen) {
                *seen |= memchr::memmem::find(&buffer[..length], needle).is_some();
            }
            // Windows overlap, so that no needle is cut in two.
            from += if length < buffer.len() { length } else { length - NEEDLE } as u64;
        }
    }
    seen.into_iter().filter(|&seen| seen).count()
}

#[test]
fn nothing_of_a_picture_stays_in_memory() {
    let engine = Engine::builder().build().unwrap();
    for (name, auto_rotate) in [("astronaut.jpg", false), ("astronaut.jpg", true), ("exif_6.jpg", true)] {
        let path = format!("{}/../../examples/photos/{name}", env!("CARGO_MANIFEST_DIR"));
        let file = Zeroizing::new(std::fs::read(path).unwrap());
        let mut body = Zeroizing::new(String::with_capacity(200_000));
        body.push_str(r#"{"images": [{"index": 0, "type": "RGB", "data": ""#);
        let text = body.len();
        BASE64_STANDARD.encode_string(&*file, &mut body);
        let text = text..body.len();
        body.push_str(r#""}], "autoRotate": "#);
        body.push_str(if auto_rotate { "true}" } else { "false}" });

        let of_text = needles(&body.as_bytes()[text]);
        let of_file = needles(&file);
        let of_pixels = {
            let image = decode(&file, &Limits::default(), auto_rotate).unwrap();
            let needles = needles(image.pixels());
            assert_eq!(found(&needles), needles.len(), "the search finds what is there");
            needles
        };
        assert!(of_text.len() > 90 && of_file.len() > 90 && of_pixels.len() > 40);
        assert_eq!(found(&of_text), of_text.len(), "the search finds what is there");

        // As PHP sends it, the text has to be copied to be read.
        let mut escaped = Zeroizing::new(String::with_capacity(2 * body.len()));
        body.split_inclusive('/').for_each(|part| match part.strip_suffix('/') {
            Some(part) => escaped.extend([part, r"\/"]),
            None => escaped.push_str(part),
        });
        assert_eq!(engine.detect_json(escaped.as_bytes()).status, 200);
        assert_eq!(engine.detect_json(body.as_bytes()).status, 200);
        drop((body, escaped, file));

        assert_eq!(found(&of_text), 0, "{name}: the base64 text");
        assert_eq!(found(&of_file), 0, "{name}: the file");
        assert_eq!(found(&of_pixels), 0, "{name}: the pixels");
    }
}
