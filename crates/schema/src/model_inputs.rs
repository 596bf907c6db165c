//! The images that a model takes, and their selection from a request.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use crate::{Image, ImageData, ImageType, Request, RequestError};

/// The images that a model takes: a type for each index, and how many are required.
///
/// ```
/// use face_liveness_schema::{ImageType, ModelInputs};
///
/// let single = ModelInputs::single(ImageType::Rgb);
/// assert_eq!((single.required(), single.types().len()), (1, 1));
/// let burst = ModelInputs::burst(ImageType::Rgb, 2..=8);
/// assert_eq!((burst.required(), burst.types().len()), (2, 8));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInputs {
    types: Vec<ImageType>,
    required: usize,
    is_burst: bool,
}

impl ModelInputs {
    /// One type for each index from 0. All images are required.
    ///
    /// # Panics
    /// If `types` is empty: a model without an image has nothing to score.
    #[must_use]
    pub fn new(types: Vec<ImageType>) -> Self {
        assert!(!types.is_empty(), "a model takes at least one image");
        Self { required: types.len(), types, is_burst: false }
    }

    /// One image.
    #[must_use]
    pub fn single(image_type: ImageType) -> Self {
        Self::new(vec![image_type])
    }

    /// Several frames of one capture, all of one type.
    ///
    /// # Panics
    /// If `count` is empty or includes 0.
    #[must_use]
    pub fn burst(image_type: ImageType, count: RangeInclusive<usize>) -> Self {
        assert!(*count.start() >= 1 && !count.is_empty(), "a model takes at least one image");
        Self { types: vec![image_type; *count.end()], required: *count.start(), is_burst: true }
    }

    /// The type of each image, by index. Images with higher indexes are ignored.
    #[must_use]
    pub fn types(&self) -> &[ImageType] {
        &self.types
    }

    /// Whether the images are frames of one capture, which must show one face.
    #[must_use]
    pub fn is_burst(&self) -> bool {
        self.is_burst
    }

    /// The smallest number of images that the model can score.
    #[must_use]
    pub fn required(&self) -> usize {
        self.required
    }
}

/// An image that the model takes. Its type and index are checked; it is not decoded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SelectedImage<'a> {
    /// The position in the `images` array, for the paths of errors. Not the image's `index`.
    pub place: usize,
    /// The encoded image in base64. Not blank.
    pub data: ImageData<'a>,
    /// Whether to apply the Exif orientation: the image's own flag, or else the request's.
    pub auto_rotate: bool,
}

impl SelectedImage<'_> {
    /// The image's path in the body: `images[0]`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("images[{}]", self.place)
    }
}

impl Request<'_> {
    /// The images that a model takes, in the order of their indexes. Other images are ignored.
    ///
    /// # Errors
    /// 219 for fewer images than the model needs; 116 for an index that appears more than once; 112
    /// for a negative index, a gap in the indexes, a type that the model does not take at that
    /// index, and blank data.
    ///
    /// ```
    /// use face_liveness_schema::{ErrorCode, Image, ImageType, ModelInputs, Request};
    ///
    /// let inputs = ModelInputs::single(ImageType::Rgb);
    /// let request = Request::new([Image::rgb(1, "ignored"), Image::rgb(0, "/9j/4AAQ")]);
    /// let images = request.select(&inputs)?;
    /// assert_eq!((images.len(), images[0].place), (1, 1));
    ///
    /// let error = Request::new([]).select(&inputs).unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::TooFewImages);
    /// # Ok::<(), face_liveness_schema::RequestError>(())
    /// ```
    pub fn select(&self, inputs: &ModelInputs) -> Result<Vec<SelectedImage<'_>>, RequestError> {
        let indexes: Vec<_> = self.images.iter().map(|image| image.index).collect();
        select(&indexes, inputs, self.auto_rotate, |place| {
            let image = &self.images[place];
            Ok(Image {
                data: image.data.borrowed(),
                image_type: image.image_type.clone(),
                ..*image
            })
        })
    }
}

/// Selects and checks the images that a model takes. `indexes` holds the index of each image of the
/// request, `image_at` returns the image at a position in the array, and `auto_rotate` is the
/// request's flag.
pub(crate) fn select<'a>(
    indexes: &[i64],
    inputs: &ModelInputs,
    auto_rotate: bool,
    image_at: impl Fn(usize) -> Result<Image<'a>, RequestError>,
) -> Result<Vec<SelectedImage<'a>>, RequestError> {
    let take = |(place, expected): (usize, &ImageType)| {
        let image = image_at(place)?;
        check_type(place, &image.image_type, expected)?;
        check_data(place, &image.data)?;
        let auto_rotate = image.auto_rotate.unwrap_or(auto_rotate);
        Ok(SelectedImage { place, data: image.data, auto_rotate })
    };
    places_by_index(indexes, inputs)?.into_iter().zip(inputs.types()).map(take).collect()
}

/// The positions of the images with index 0, 1, 2 …, as many as the model takes.
fn places_by_index(indexes: &[i64], inputs: &ModelInputs) -> Result<Vec<usize>, RequestError> {
    let mut place_of = HashMap::with_capacity(indexes.len());
    for (place, &index) in indexes.iter().enumerate() {
        let path = || format!("images[{place}].index");
        if index < 0 {
            return Err(RequestError::invalid_value(path(), "is negative"));
        }
        if let Some(first) = place_of.insert(index, place) {
            let problem = format!("is also the index of images[{first}]");
            return Err(RequestError::Duplicated { path: path(), problem });
        }
    }
    let (given, required) = (indexes.len(), inputs.required());
    if given < required {
        return Err(RequestError::TooFewImages { given, required });
    }

    let taken = inputs.types().len();
    let places: Vec<_> =
        (0..).map_while(|index| place_of.get(&index).copied()).take(taken).collect();
    let missing = places.len() as i64;
    let next = (0..given).filter(|&place| indexes[place] > missing).min_by_key(|&p| indexes[p]);
    match next {
        Some(next) if places.len() < required || indexes[next] < taken as i64 => {
            let problem = format!("leaves a gap: no image has the index {missing}");
            Err(RequestError::invalid_value(format!("images[{next}].index"), problem))
        }
        _ => Ok(places),
    }
}

fn check_type(place: usize, given: &ImageType, expected: &ImageType) -> Result<(), RequestError> {
    if given == expected {
        return Ok(());
    }
    let problem = format!("must be {}, the type that the model takes here", expected.as_str());
    Err(RequestError::invalid_value(format!("images[{place}].type"), problem))
}

fn check_data(place: usize, data: &ImageData<'_>) -> Result<(), RequestError> {
    if data.as_str().bytes().all(|byte| byte.is_ascii_whitespace()) {
        return Err(RequestError::invalid_value(format!("images[{place}].data"), "is blank"));
    }
    Ok(())
}
