//! A thousand requests in a process that seccomp kills when it opens a file for writing or a
//! socket. Afterwards neither its memory nor its output holds the image of a JPEG: no base64 text,
//! file, pixels or network inputs. For an image in another format, up to a quarter of the file and
//! of the pixels may remain in memory.
//!
//! Linux only, for seccomp and `/proc/self/mem`. One test, so that no other test's image is in the
//! same memory.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use face_liveness::imaging::{Limits, decode, resize};
use face_liveness::inference::Crop;
use face_liveness::network::{Placement, PlanesMut, write_rgb};
use face_liveness::{Engine, ImageSource};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use zeroize::Zeroizing;

/// Repetitions of three requests for each of seven files.
const REPETITIONS: usize = 48;
/// Consecutive bytes that count as found: far more than coincide by chance.
const NEEDLE: usize = 48;
/// The same for networks' inputs, which tract copies in rows of 8 or more values.
const INPUT_NEEDLE: usize = 8 * size_of::<f32>();
/// The needles are kept under this mask, so that the search does not find the needles themselves.
const MASK: u8 = 0x5a;

/// Pieces from all over a buffer, masked. Flat parts, such as a background or a run of zeros, are
/// left out because they may occur anywhere.
fn needles(haystack: &[u8]) -> Vec<Vec<u8>> {
    let starts = (1..100).map(|i| i * (haystack.len() - NEEDLE) / 100);
    let pieces = starts.map(|start| &haystack[start..start + NEEDLE]);
    pieces.filter(|piece| piece.iter().collect::<HashSet<_>>().len() >= 16).map(masked).collect()
}

/// The same of a network's input.
fn input_needles(values: &[f32]) -> Vec<Vec<u8>> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    let bytes = Zeroizing::new(bytes);
    let pieces = bytes.chunks_exact(INPUT_NEEDLE).step_by(7);
    let varied = |piece: &&[u8]| piece.chunks(4).collect::<HashSet<_>>().len() >= 6;
    let needles: Vec<_> = pieces.filter(varied).map(masked).collect();
    assert!(needles.len() > 40, "{} needles", needles.len());
    assert_eq!(found(&needles), needles.len(), "the search finds what is there");
    needles
}

fn masked(piece: &[u8]) -> Vec<u8> {
    piece.iter().map(|byte| byte ^ MASK).collect()
}

/// How many of the needles are somewhere in this process's writable memory.
fn found(needles: &[Vec<u8>]) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut seen = vec![false; needles.len()];
    let mut buffer = Zeroizing::new(vec![0; 1 << 20]);
    // The search skips its own buffer, which holds what it read before.
    let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + buffer.len() as u64;
    for line in maps
        .lines()
        .filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw")))
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
                break; // [vvar] and the like cannot be read
            }
            buffer.iter_mut().for_each(|byte| *byte ^= MASK);
            for (needle, seen) in needles.iter().zip(&mut seen) {
                *seen |= memchr::memmem::find(&buffer[..length], needle).is_some();
            }
            // Windows overlap, so that no needle is split.
            from += if length < buffer.len() { length } else { length - NEEDLE } as u64;
        }
    }
    seen.into_iter().filter(|&seen| seen).count()
}

/// From here on, the kernel kills the process when any of its threads opens a file for writing,
/// changes a file, writes to anything but standard output and error, or sends anything.
fn seal() {
    let argument = |index, length, compare, value| {
        SeccompRule::new(vec![SeccompCondition::new(index, length, compare, value).unwrap()])
            .unwrap()
    };
    let flag = |index, flag: i32| {
        let flag = flag as u64;
        argument(index, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(flag), flag)
    };
    let for_writing = |index| {
        [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC]
            .map(|bit| flag(index, bit))
            .to_vec()
    };
    let past_standard_error =
        || vec![argument(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Gt, libc::STDERR_FILENO as u64)];
    let mut rules = BTreeMap::from([(libc::SYS_openat, for_writing(2))]);
    rules.extend(
        [libc::SYS_write, libc::SYS_writev, libc::SYS_pwrite64]
            .map(|call| (call, past_standard_error())),
    );
    // With any arguments.
    let never = [
        libc::SYS_openat2,
        libc::SYS_socket,
        libc::SYS_connect,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_renameat2,
        libc::SYS_unlinkat,
        libc::SYS_mkdirat,
        libc::SYS_mknodat,
        libc::SYS_linkat,
        libc::SYS_symlinkat,
        libc::SYS_truncate,
        libc::SYS_ftruncate,
        libc::SYS_memfd_create,
        libc::SYS_execve,
        libc::SYS_process_vm_writev,
        libc::SYS_io_uring_setup,
    ];
    rules.extend(never.map(|call| (call, Vec::new())));
    #[cfg(target_arch = "x86_64")]
    {
        let older =
            [libc::SYS_creat, libc::SYS_rename, libc::SYS_unlink, libc::SYS_mkdir, libc::SYS_link];
        rules.extend(older.map(|call| (call, Vec::new())));
        rules.insert(libc::SYS_open, for_writing(1));
    }
    let (allow, kill) = (SeccompAction::Allow, SeccompAction::KillProcess);
    let filter =
        SeccompFilter::new(rules, allow, kill, std::env::consts::ARCH.try_into().unwrap()).unwrap();
    let program: seccompiler::BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter_all_threads(&program).unwrap();
}

#[test]
fn no_part_of_an_image_remains() {
    match std::env::var("SEALED").as_deref() {
        Ok("file") => {
            seal();
            let _ = File::create(std::env::temp_dir().join("face-liveness-sealed"));
        }
        Ok("socket") => {
            seal();
            let _ = std::net::UdpSocket::bind("127.0.0.1:0");
        }
        Ok(_) => {
            seal();
            nothing_remains_in_memory();
        }
        Err(_) => {
            write_other_formats();
            for forbidden in ["file", "socket"] {
                assert_eq!(
                    run(forbidden).status.signal(),
                    Some(libc::SIGSYS),
                    "the seal holds: {forbidden}"
                );
            }
            let Output { status, stdout, stderr } = run("requests");

            let output = [stdout, stderr].concat();
            assert!(status.success(), "{status}: {}", String::from_utf8_lossy(&output));
            for path in files() {
                let text = BASE64_STANDARD.encode(std::fs::read(path).unwrap());
                let needles = text.as_bytes().windows(NEEDLE).step_by(NEEDLE / 2);
                assert!(
                    needles
                        .map(|needle| memchr::memmem::find(&output, needle))
                        .all(|found| found.is_none())
                );
            }
        }
    }
}

fn run(what: &str) -> Output {
    let mut itself = Command::new(std::env::current_exe().unwrap());
    itself.env("SEALED", what).arg("--nocapture").output().unwrap()
}

/// The portrait in other formats. Another process encodes them, because encoders leave pixels in
/// memory.
const OTHER_FORMATS: [&str; 4] = ["png", "gif", "webp", "bmp"];

fn files() -> Vec<PathBuf> {
    let photo =
        |name| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/photos").join(name);
    let other =
        |format| Path::new(env!("CARGO_TARGET_TMPDIR")).join("portrait").with_extension(format);
    ["astronaut.jpg", "exif_6.jpg"].map(photo).into_iter().chain(OTHER_FORMATS.map(other)).collect()
}

fn write_other_formats() {
    let [jpeg, _, others @ ..] = &files()[..] else { unreachable!("the list is above") };
    let portrait = image::open(jpeg).unwrap().to_rgb8();
    others.iter().for_each(|path| portrait.save(path).unwrap());
}

/// Needles of the inputs of `rgb-single-v2` and of the detector's heatmap for a square photo.
fn network_input_needles(engine: &Engine, file: &[u8], auto_rotate: bool) -> Vec<Vec<u8>> {
    let photo = ImageSource::Encoded { bytes: file, auto_rotate };
    let face = engine.find_face(photo).unwrap().bounding_box;
    let image = decode(file, &Limits::default(), auto_rotate).unwrap();
    let written = |side: u32, write: &dyn Fn(&mut PlanesMut<'_>)| {
        let shape = [3, side as usize, side as usize];
        let mut values = Zeroizing::new(vec![0.0; shape.iter().product()]);
        write(&mut PlanesMut::new(shape, &mut values).unwrap());
        input_needles(&values)
    };
    let bundle = face_liveness_models::rgb_single_v2().unwrap();
    let crops = bundle.networks.values().flat_map(|network| {
        let input = network.input;
        let crop = Crop::around(face, input.crop_scale, image.width(), image.height());
        written(input.side, &|planes| {
            crop.write(image.view(), planes, input.resize, input.channels).unwrap();
        })
    });
    // The heatmap's first input is 288 × 192.
    let resized = resize(image.view(), 192, 192).unwrap();
    let heatmap = written(192, &|planes| write_rgb(planes, resized.view(), Placement::default()));
    crops.chain(heatmap).collect()
}

fn nothing_remains_in_memory() {
    let engine = Engine::builder().provenance(true).build().unwrap();
    let files = files();
    for (path, auto_rotate) in files.iter().map(|path| (path, true)).chain([(&files[0], false)]) {
        let file = Zeroizing::new(std::fs::read(path).unwrap());
        let mut body = Zeroizing::new(String::with_capacity(2 * file.len()));
        body.push_str(r#"{"images": [{"index": 0, "type": "RGB", "data": ""#);
        let text = body.len();
        BASE64_STANDARD.encode_string(&*file, &mut body);
        let text = text..body.len();
        body.push_str(r#""}], "autoRotate": "#);
        body.push_str(if auto_rotate { "true}" } else { "false}" });

        let text_needles = needles(&body.as_bytes()[text.clone()]);
        let file_needles = needles(&file);
        let pixel_needles = {
            let image = decode(&file, &Limits::default(), auto_rotate).unwrap();
            let needles = needles(image.pixels());
            assert_eq!(found(&needles), needles.len(), "the search finds what is there");
            needles
        };
        let network_needles = network_input_needles(&engine, &file, auto_rotate);
        let is_jpeg = path.extension().is_some_and(|format| format == "jpg");
        // The bytes of a bitmap are as flat as its background.
        let min_needles = if is_jpeg { 90 } else { 40 };
        assert!(
            text_needles.len() > min_needles
                && file_needles.len() > min_needles
                && pixel_needles.len() > 40
        );
        assert_eq!(found(&text_needles), text_needles.len(), "the search finds what is there");

        // Escaped as PHP does it, so that the text is copied to be parsed.
        let mut escaped = Zeroizing::new(String::with_capacity(2 * body.len()));
        body.split_inclusive('/').for_each(|part| match part.strip_suffix('/') {
            Some(part) => escaped.extend([part, r"\/"]),
            None => escaped.push_str(part),
        });
        let mut broken = Zeroizing::new(String::with_capacity(body.len() + 1));
        broken.extend([&body[..text.end], "!", &body[text.end..]]);
        for _ in 0..REPETITIONS {
            for (body, status) in [(&escaped, 200), (&body, 200), (&broken, 400)] {
                let answer = engine.detect_json(body.as_bytes());
                assert_eq!(answer.status, status);
                println!("{}", String::from_utf8(answer.body).unwrap());
            }
        }
        drop((body, escaped, broken, file));

        assert_eq!(found(&text_needles), 0, "{path:?}: the base64 text");
        assert_eq!(found(&network_needles), 0, "{path:?}: the networks' inputs");
        // The decoders of other formats do not wipe what they read last. After a PNG, a part of the
        // file and 11 of 84 needles of the pixels remain; after a GIF, sometimes a part of the
        // file.
        let max_found = |needles: &[Vec<u8>]| if is_jpeg { 0 } else { needles.len() / 4 };
        assert!(found(&file_needles) <= max_found(&file_needles), "{path:?}: the file");
        assert!(found(&pixel_needles) <= max_found(&pixel_needles), "{path:?}: the pixels");
    }
}
