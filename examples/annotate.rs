//! A photo with the box and the score drawn on it, for the examples.

use std::convert::Infallible;

use embedded_graphics::mono_font::{MonoTextStyleBuilder, ascii::FONT_10X20};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Baseline, Text};
use face_liveness::image::RgbImage;
use face_liveness::{Position, Response};

/// The photo with the face's box, red from the score 0.5 on and green below, and the score above it.
///
/// `photo` must be the image as it was processed: after the Exif orientation, when that was applied.
pub fn annotate(photo: &RgbImage, response: &Response) -> image::RgbImage {
    let colour =
        if response.spoof_score >= 0.5 { Rgb888::CSS_CRIMSON } else { Rgb888::CSS_LIME_GREEN };
    let zoom = zoom(photo);
    let position = response.position;
    let mut canvas = outlined(photo, &[position], colour);
    let style = MonoTextStyleBuilder::new()
        .font(&FONT_10X20)
        .text_color(Rgb888::BLACK)
        .background_color(colour);
    let words = format!(" spoof {:.2} ", response.spoof_score);
    let above =
        Point::new((position.left / zoom) as i32, ((position.top / zoom) as i32 - 22).max(0));
    let text = Text::with_baseline(&words, above, style.build(), Baseline::Top);
    let Ok(_) = text.draw(&mut Zoomed { canvas: &mut canvas, zoom });
    canvas
}

/// The photo with boxes on it.
pub fn outlined(photo: &RgbImage, positions: &[Position], colour: Rgb888) -> image::RgbImage {
    let mut canvas = image::RgbImage::new(photo.width(), photo.height());
    canvas.copy_from_slice(photo.pixels());
    let stroke = PrimitiveStyle::with_stroke(colour, 2 * zoom(photo));
    for position in positions {
        let corner = Point::new(position.left as i32, position.top as i32);
        let size = Size::new(position.width, position.height);
        let outline = Rectangle::new(corner, size).into_styled(stroke);
        let Ok(()) = outline.draw(&mut Zoomed { canvas: &mut canvas, zoom: 1 });
    }
    canvas
}

/// By what to enlarge lines and letters, so that they can be seen at the size at which a screen shows the photo.
fn zoom(photo: &RgbImage) -> u32 {
    photo.width().max(photo.height()).div_ceil(800)
}

/// Draws each pixel as a square of `zoom × zoom`, as the fonts have one size only.
struct Zoomed<'a> {
    canvas: &'a mut image::RgbImage,
    zoom: u32,
}

impl OriginDimensions for Zoomed<'_> {
    fn size(&self) -> Size {
        Size::new(self.canvas.width() / self.zoom, self.canvas.height() / self.zoom)
    }
}

impl DrawTarget for Zoomed<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(point, colour) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(point.x), u32::try_from(point.y)) else { continue };
            for (dx, dy) in (0..self.zoom).flat_map(|dy| (0..self.zoom).map(move |dx| (dx, dy))) {
                if let Some(pixel) =
                    self.canvas.get_pixel_mut_checked(x * self.zoom + dx, y * self.zoom + dy)
                {
                    *pixel = image::Rgb([colour.r(), colour.g(), colour.b()]);
                }
            }
        }
        Ok(())
    }
}
