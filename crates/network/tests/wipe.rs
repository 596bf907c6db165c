//! After a run, a process's memory holds no piece of a row of the network's input: the planes are
//! the pixels of a face. Nor does it hold a piece with its channels side by side, as the
//! convolutions read them.
//!
//! Linux only, for `/proc/self/mem`. One test, so that no other test's input is in the same memory.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use face_liveness_network::Network;

/// Consecutive values that count as found: not even two coincide by chance.
const RUN: usize = 4;
/// The test keeps the input under this mask, or the search would find the test's own copy.
const MASK: u32 = 0x5a5a_5a5a;

/// The input, masked: samples of 0 to 255 in an order that occurs nowhere else in memory.
fn masked(i: usize) -> u32 {
    let hash = (i as u32).wrapping_mul(0x9e37_79b9).rotate_left(13).wrapping_mul(0x85eb_ca6b);
    ((hash >> 8) as f32 / 65_536.0).to_bits() ^ MASK
}

/// The constant that `rgb-single-v2` subtracts from its input.
const OFFSET: f32 = 127.5;

/// The input, masked, as its channels lie side by side: as it is, and less the offset.
fn as_pixels([channels, height, width]: [usize; 3]) -> [Vec<u32>; 2] {
    let pixels = height * width;
    let order = (0..pixels).flat_map(|pixel| (0..channels).map(move |c| c * pixels + pixel));
    let plain: Vec<_> = order.map(masked).collect();
    let less = |value: &u32| (f32::from_bits(value ^ MASK) - OFFSET).to_bits() ^ MASK;
    let offset = plain.iter().map(less).collect();
    [plain, offset]
}

/// How many times `RUN` neighbours of these masked values are in this process's writable memory.
fn found(values: &[u32]) -> usize {
    let places: HashMap<u32, usize> = values.iter().enumerate().map(|(i, &v)| (v, i)).collect();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut found = 0;
    let mut buffer = vec![0; 1 << 20];
    // The search skips its own buffer.
    let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + buffer.len() as u64;
    for line in maps.lines().filter(|line| line.split(' ').nth(1).unwrap().starts_with("rw")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [mut from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).unwrap());
        while from < to {
            if own.contains(&from) {
                from = own.end;
                continue;
            }
            let until = if from < own.start { to.min(own.start) } else { to };
            let read = &mut buffer[..(1 << 20).min((until - from) as usize)];
            memory.seek(SeekFrom::Start(from)).unwrap();
            if memory.read_exact(read).is_err() {
                break; // [vvar] and its like cannot be read.
            }
            let mut run = (usize::MAX, 0);
            for word in read.chunks_exact(4) {
                let word = u32::from_ne_bytes(word.try_into().unwrap()) ^ MASK;
                run = match places.get(&word) {
                    Some(&i) if run.0.checked_add(1) == Some(i) => (i, run.1 + 1),
                    Some(&i) => (i, 1),
                    None => (usize::MAX, 0),
                };
                found += usize::from(run.1 == RUN);
            }
            from += read.len() as u64;
        }
    }
    found
}

#[test]
fn no_network_leaves_its_input_in_memory() {
    let detector = face_liveness_models::face_detector_v1().unwrap();
    let earlier = face_liveness_models::rgb_single_v1().unwrap().networks;
    let model = face_liveness_models::rgb_single_v2().unwrap().networks;
    for (name, onnx, shape) in [
        ("context", &model["context"].onnx, [3, 80, 80]),
        ("wide", &model["wide"].onnx, [3, 80, 80]),
        ("tight", &model["tight"].onnx, [3, 80, 80]),
        ("tight", &earlier["tight"].onnx, [3, 96, 96]),
        ("context", &earlier["context"].onnx, [3, 80, 80]),
        ("heatmap", &detector.heatmap.onnx, [3, 194, 290]),
        ("refiner", &detector.refiner.onnx, [3, 66, 66]),
    ] {
        let network = Network::from_onnx(onnx, shape).unwrap();
        let as_planes: Vec<_> = (0..shape.iter().product()).map(masked).collect();
        for _ in 0..3 {
            network
                .run(|mut planes| {
                    let values = planes.values_mut();
                    values.iter_mut().enumerate().for_each(|(i, value)| {
                        *value = f32::from_bits(masked(i) ^ MASK);
                    });
                    assert!(found(&as_planes) > 0, "the search finds what is there");
                })
                .unwrap();
        }
        let [pixels, less_the_offset] = as_pixels(shape);
        assert_eq!(
            [&as_planes, &pixels, &less_the_offset].map(|values| found(values)),
            [0; 3],
            "{name}"
        );
    }
}
