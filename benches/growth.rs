//! Time and memory of a request against the photo's size, and throughput against threads:
//! `cargo bench --bench growth`.
//!
//! Writes `GROWTH.md`, `megapixels.svg` and `threads.svg` beside this file. The photos are those of
//! `bodies.rs`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use dhat::{HeapStats, Profiler};
use face_liveness::{Engine, Limits};
use face_liveness_benches::{
    MULTIPLICATIONS, STAGES, Stack, body, gemm_gflops, median, photo, provenance,
};
use plotters::prelude::*;

/// Counts only while a [`Profiler`] exists.
#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const SIZES: [(u32, u32); 7] =
    [(640, 480), (1280, 960), (1920, 1440), (2592, 1944), (4032, 3024), (5472, 3648), (6928, 5196)];
const COSTS_OF: [(u32, u32); 3] = [(640, 480), (1920, 1080), (4032, 3024)];
const RUNS: usize = 15;
const RESIDENT_AFTER: [usize; 2] = [1_000, 10_000];
const THREADS: [usize; 4] = [1, 2, 3, 4];
const LOAD: Duration = Duration::from_secs(4);

fn main() {
    let start = Instant::now();
    // 36 megapixels exceed the default body limit of 5 MB.
    let engine = Engine::builder()
        .limits(Limits::default().with_max_body_bytes(50_000_000))
        .build()
        .unwrap();
    let started = milliseconds(start);
    let stack = Stack { engine, ..Stack::load() };
    let engine = &stack.engine;
    let start = Instant::now();
    drop(Engine::builder().build().unwrap());
    let again = milliseconds(start);

    let sizes = SIZES.map(|(width, height)| Size::measure(&stack, width, height));
    let costs = COSTS_OF.map(|(width, height)| costs(engine, width, height));
    let resident = resident_after(engine);
    let peak = gemm_gflops();
    let loads = THREADS.map(|threads| Load::measure(engine, threads));

    let mut text = format!(
        "# Measured by `cargo bench --bench growth`\n\n{}.\n\n\
         The engine is ready in {started:.0} ms, a second one in {again:.1} ms.\n\n\
         | photo | megapixels | ms | decoded RGB, MB | peak beside the engine, MB | of the RGB \
         | allocations |\n|---|---|---|---|---|---|---|\n",
        provenance()
    );
    for size in &sizes {
        let Size { name, megapixels, time, peak, allocations, .. } = size;
        let rgb = 3.0 * megapixels;
        let of_rgb = peak / rgb;
        writeln!(
            text,
            "| {name} | {megapixels:.1} | {time:.1} | {rgb:.1} | {peak:.1} | {of_rgb:.2} \
             | {allocations} |"
        )
        .unwrap();
    }
    let floors = MULTIPLICATIONS.map(|multiplications| 2.0 * multiplications / peak / 1e6);
    let names = STAGES.join(" | ");
    writeln!(
        text,
        "\nTime by stage, in ms of CPU time. Two lower bounds: Huffman decoding alone, measured by \
         decoding\nat an eighth of the size; and the multiplications of the detector, and of \
         `context` and `wide`,\nwhich take {:.2} and {:.2} ms at the {peak:.0} GFLOP/s of \
         tract's plain matrix product.\n\n\
         | photo | {names} | Huffman decoding |\n|---|---|---|---|---|---|---|",
        floors[0], floors[1]
    )
    .unwrap();
    for size in &sizes {
        let stages = size.stages.map(|time| format!("{time:.2}")).join(" | ");
        writeln!(text, "| {} | {stages} | {:.2} |", size.name, size.entropy_decoding).unwrap();
    }
    let [first, last] = RESIDENT_AFTER;
    writeln!(
        text,
        "\nResident memory after {first} requests of 640 × 480: {:.1} MB; after {last}: {:.1} MB.",
        resident[0], resident[1]
    )
    .unwrap();
    for ((width, height), costs) in COSTS_OF.iter().zip(&costs) {
        write!(
            text,
            "\n| cost per byte of a body, {width} × {height} | ns | of an answered one |\n\
             |---|---|---|\n"
        )
        .unwrap();
        for (what, nanoseconds) in costs {
            writeln!(
                text,
                "| {what} | {nanoseconds:.2} | {:.1} % |",
                100.0 * nanoseconds / costs[0].1
            )
            .unwrap();
        }
    }
    text += "\n| threads | 640 × 480 requests per second | of one thread | p50, ms | p99, ms |\n\
             |---|---|---|---|---|\n";
    for load in &loads {
        let Load { threads, rate, p50, p99 } = load;
        writeln!(
            text,
            "| {threads} | {rate:.0} | {:.2} | {p50:.2} | {p99:.2} |",
            rate / loads[0].rate
        )
        .unwrap();
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::write(folder.join("GROWTH.md"), &text).unwrap();
    let times: Vec<_> = sizes.iter().map(|size| (size.megapixels, size.time)).collect();
    let peaks: Vec<_> = sizes.iter().map(|size| (size.megapixels, size.peak)).collect();
    plot(&folder.join("megapixels.svg"), "megapixels", &[("ms", &times), ("peak, MB", &peaks)])
        .unwrap();
    let rates: Vec<_> = loads.iter().map(|load| (load.threads as f64, load.rate)).collect();
    plot(&folder.join("threads.svg"), "threads", &[("640 × 480 requests per second", &rates)])
        .unwrap();
    println!("{text}");
}

struct Size {
    name: String,
    megapixels: f64,
    /// The median, in ms.
    time: f64,
    /// In MB.
    peak: f64,
    allocations: u64,
    /// The median of each stage, and of Huffman decoding alone, in ms.
    stages: [f64; STAGES.len()],
    entropy_decoding: f64,
}

impl Size {
    fn measure(stack: &Stack, width: u32, height: u32) -> Self {
        let body = body(&photo(width, height));
        let run = || assert_eq!(stack.engine.detect_json(&body).status, 200);
        run();
        let mut times = [0.0; RUNS];
        for time in &mut times {
            let start = Instant::now();
            run();
            *time = milliseconds(start);
        }
        let (mut stages, mut entropy_decoding) =
            ([(); STAGES.len()].map(|()| Vec::new()), Vec::new());
        for _ in 0..RUNS {
            stack.stages(&body, &mut stages);
            entropy_decoding.push(stack.entropy_decoding(&body));
        }
        let profiler = Profiler::builder().testing().build();
        run();
        let HeapStats { max_bytes, total_blocks, .. } = HeapStats::get();
        drop(profiler);
        Self {
            name: format!("{width} × {height}"),
            megapixels: f64::from(width) * f64::from(height) / 1e6,
            time: median(&times),
            peak: max_bytes as f64 / 1e6,
            allocations: total_blocks,
            stages: stages.map(|times| median(&times)),
            entropy_decoding: median(&entropy_decoding),
        }
    }
}

/// Nanoseconds per byte: of an answered body, of an image that the model ignores, and of refused
/// bodies.
fn costs(engine: &Engine, width: u32, height: u32) -> Vec<(&'static str, f64)> {
    let photo = photo(width, height);
    let answered = body(&photo);
    let text = String::from_utf8(answered.clone()).unwrap();
    let twice = text.replace(
        "]}",
        &format!(
            r#",{{"index":1,"type":"RGB","data":"{}"}}]}}"#,
            &text[text.len() / 2..text.len() - 4]
        ),
    );
    let rotated = text.replace("]}", r#"],"autoRotate":true}"#);
    let mut bad_base64 = answered.clone();
    let end = bad_base64.len() - 10;
    bad_base64[end] = b'!';
    let no_image = body(&vec![7; photo.len()]);
    let cut = body(&photo[..photo.len() / 2]);
    let strict =
        Engine::builder().limits(Limits::default().with_max_body_bytes(answered.len() - 1));
    let strict = strict.build().unwrap();
    let time = |engine: &Engine, body: &[u8], status: u16| {
        let mut times = [0.0; RUNS];
        for time in &mut times {
            let start = Instant::now();
            assert_eq!(engine.detect_json(body).status, status);
            *time = milliseconds(start);
        }
        median(&times) * 1e6
    };
    let per_byte =
        |engine: &Engine, body: &[u8], status| time(engine, body, status) / body.len() as f64;
    let all = time(engine, &answered, 200);
    let extra = (twice.len() - answered.len()) as f64;
    vec![
        ("answered", all / answered.len() as f64),
        ("answered, with `autoRotate`", per_byte(engine, rotated.as_bytes(), 200)),
        (
            "another image, which the model ignores",
            (time(engine, twice.as_bytes(), 200) - all) / extra,
        ),
        ("refused: invalid base64 at the end", per_byte(engine, &bad_base64, 400)),
        ("refused: not an image", per_byte(engine, &no_image, 400)),
        ("refused: a JPEG cut in half", per_byte(engine, &cut, 400)),
        ("refused: a body over the limit", per_byte(&strict, &answered, 413)),
    ]
}

/// Resident memory in MB after each number of requests in `RESIDENT_AFTER`.
fn resident_after(engine: &Engine) -> [f64; 2] {
    let body = body(&photo(640, 480));
    let mut answered = 0;
    RESIDENT_AFTER.map(|requests| {
        while answered < requests {
            assert_eq!(engine.detect_json(&body).status, 200);
            answered += 1;
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1e3
    })
}

struct Load {
    threads: usize,
    rate: f64,
    p50: f64,
    p99: f64,
}

impl Load {
    fn measure(engine: &Engine, threads: usize) -> Self {
        let body = body(&photo(640, 480));
        let start = Instant::now();
        let work = || {
            let mut times = Vec::new();
            while start.elapsed() < LOAD {
                let start = Instant::now();
                assert_eq!(engine.detect_json(&body).status, 200);
                times.push(milliseconds(start));
            }
            times
        };
        let mut times = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
        });
        let rate = times.len() as f64 / start.elapsed().as_secs_f64();
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times[(part * (times.len() - 1) as f64) as usize];
        Self { threads, rate, p50: at(0.5), p99: at(0.99) }
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

type Line<'a> = (&'a str, &'a [(f64, f64)]);

fn plot(file: &Path, across: &str, lines: &[Line<'_>]) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|(_, points)| points.iter());
    let axis_end = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max) * 1.05;
    let root = SVGBackend::new(file, (560, 320)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .x_label_area_size(35)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..axis_end(|point| point.0), 0.0..axis_end(|point| point.1))?;
    chart.configure_mesh().x_desc(across).draw()?;
    for (number, (name, points)) in lines.iter().enumerate() {
        let colour = Palette99::pick(number).to_rgba();
        chart
            .draw_series(
                LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3),
            )?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 15, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .border_style(BLACK)
        .background_style(WHITE)
        .position(SeriesLabelPosition::UpperLeft)
        .draw()?;
    root.present()?;
    Ok(())
}
