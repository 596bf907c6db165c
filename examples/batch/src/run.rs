//! Scores photos on all cores.

use std::collections::HashSet;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use face_liveness::{Engine, ImageSource};
use rayon::iter::{ParallelBridge, ParallelIterator};

use crate::photos::{Photo, Source};
use crate::results::{Error, Row, Table};

/// Scores each photo that has no row in the table, and calls `on_row` for each new row.
///
/// # Errors
/// If the table cannot be written.
pub fn run(
    engine: &Engine,
    sources: Vec<Source>,
    auto_rotate: bool,
    table: &mut Table,
    mut on_row: impl FnMut(&Row),
) -> Result<(), Error> {
    // A photo that appears in two lists is read once.
    let taken: Arc<Mutex<HashSet<String>>> = Arc::new(Mutex::new(table.finished()));
    let wanted =
        move |name: &str| taken.lock().is_ok_and(|mut taken| taken.insert(name.to_owned()));
    // Bounded, so that the workers wait for the writer and rows do not pile up in memory.
    let (send, receive) = sync_channel::<Row>(64);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let photos = sources.into_iter().flat_map(|source| source.photos(wanted.clone()));
            photos.par_bridge().try_for_each_with(send, |send, photo| {
                send.send(score(engine, photo, auto_rotate)).map_err(drop)
            })
        });
        for row in receive {
            on_row(&row);
            table.push(row)?;
        }
        Ok(())
    })
}

fn score(engine: &Engine, (name, bytes): Photo, auto_rotate: bool) -> Row {
    match bytes {
        Ok(bytes) => {
            let photo = ImageSource::Encoded { bytes: &bytes, auto_rotate };
            Row::answered(name, auto_rotate, engine.detect_image(photo))
        }
        Err(error) => Row::unread(name, error),
    }
}
