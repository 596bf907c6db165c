//! The run: photos to rows, on all cores.

use std::collections::HashSet;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use face_liveness::{Engine, ImageSource};
use rayon::iter::{ParallelBridge, ParallelIterator};

use crate::photos::{Photo, Source};
use crate::results::{Error, Row, Table};

/// Scores every photo that the table has no row for, once. `seen` is told of each new row.
///
/// # Errors
/// When the table cannot be written.
pub fn run(
    engine: &Engine,
    sources: Vec<Source>,
    auto_rotate: bool,
    table: &mut Table,
    mut seen: impl FnMut(&Row),
) -> Result<(), Error> {
    // A photo that stands in two lists is taken from the first.
    let taken: Arc<Mutex<HashSet<String>>> = Arc::new(Mutex::new(table.finished()));
    let wanted =
        move |name: &str| taken.lock().is_ok_and(|mut taken| taken.insert(name.to_owned()));
    // The readers wait for the writer, not the other way round.
    let (send, receive) = sync_channel::<Row>(64);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let photos = sources.into_iter().flat_map(|source| source.photos(wanted.clone()));
            photos.par_bridge().try_for_each_with(send, |send, photo| {
                send.send(score(engine, photo, auto_rotate)).map_err(drop)
            })
        });
        for row in receive {
            seen(&row);
            table.push(row)?;
        }
        Ok(())
    })
}

fn score(engine: &Engine, (name, bytes): Photo, auto_rotate: bool) -> Row {
    match bytes {
        Ok(bytes) => Row::answered(
            name,
            engine.detect_image(ImageSource::Encoded { bytes: &bytes, auto_rotate }),
        ),
        Err(error) => Row::unread(name, error),
    }
}
