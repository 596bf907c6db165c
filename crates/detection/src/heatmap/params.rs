//! The settings of the heatmap detector.

/// The settings of [`HeatmapDetector`](crate::HeatmapDetector).
///
/// ```
/// use face_liveness_detection::HeatmapDetectorParams;
///
/// let mut params = HeatmapDetectorParams::default();
/// params.pass_sizes.truncate(1);
/// assert_eq!(params.pass_sizes, [[288, 192]]);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HeatmapDetectorParams {
    /// The bounds of a quick pass before all others, longer and shorter side in pixels; `None`
    /// skips it. Its best proposal counts if no other is a face, and if it has at least these sides
    /// and this score.
    pub quick_size: Option<[u32; 2]>,
    /// The minimum side of the box of a quick pass, in pixels of the heatmap's input.
    pub quick_min_side: f32,
    /// The minimum refiner score, 0 to 1, of a quick pass.
    pub quick_min_score: f32,
    /// The bounds of each pass, longer and shorter side in pixels: the photo is scaled down to fit
    /// them. A pass runs when the one before it found no face.
    pub pass_sizes: Vec<[u32; 2]>,
    /// Longer and shorter side of the heatmap's inputs in pixels, the smallest first; multiples of
    /// 32. A pass uses the first that holds its photo.
    pub input_sizes: Vec<[u32; 2]>,
    /// The minimum heatmap score, 0 to 1, of a proposal that the refiner checks.
    pub proposal_threshold: f32,
    /// The minimum heatmap score, 0 to 1, of a cell that votes on the box of a proposal.
    pub vote_threshold: f32,
    /// The maximum number of proposals that the refiner checks in a pass, best first.
    pub max_proposals: usize,
    /// After this many rejected proposals in a row, the rest of the pass is skipped.
    pub max_consecutive_rejections: usize,
    /// The minimum refiner score of a face, 0 to 1.
    pub score_threshold: f32,
    /// The heatmap score above which `confident_score_threshold` replaces `score_threshold`.
    pub confident_score: f32,
    /// The minimum side of a box, in pixels of the heatmap's input, for that replacement.
    pub confident_min_side: f32,
    /// The minimum refiner score, 0 to 1, of a face that the heatmap is confident of.
    pub confident_score_threshold: f32,
    /// The minimum shorter side of a face, in pixels of the photo.
    pub min_side: f32,
    /// Boxes with a higher IoU belong to the same face.
    pub same_face_iou: f32,
}

impl Default for HeatmapDetectorParams {
    fn default() -> Self {
        Self {
            // A quarter of the first pass, for a face of a seventh of the photo's height.
            quick_size: Some([128, 96]),
            quick_min_side: 13.0,
            quick_min_score: 0.995,
            // The first pass finds faces from a twentieth of the photo's longer side, the second
            // from a 130th: 32 pixels of 4032.
            pass_sizes: vec![[288, 192], [1728, 1280]],
            // For the quick pass: all shapes. For the first: 16:9, and 4:3 with the shapes between.
            // For the second: webcams, large photos that were decoded at a reduced size, and the
            // rest.
            input_sizes: vec![
                [128, 96],
                [288, 160],
                [288, 192],
                [640, 480],
                [1024, 768],
                [1728, 1280],
            ],
            proposal_threshold: 0.2,
            vote_threshold: 0.05,
            // Enough for a crowd, and a bound on the time that a crafted picture takes.
            max_proposals: 100,
            // Cluttered photos produce many weak proposals beside the clear face.
            max_consecutive_rejections: 2,
            score_threshold: 0.9,
            // Finds faces that are rare in the training data: hats with beards and glasses.
            confident_score: 0.5,
            // A smaller box is ambiguous: a small portrait as a whole resembles a face.
            confident_min_side: 16.0,
            confident_score_threshold: 0.3,
            // Half of the contract's minimum side; smaller boxes are noise.
            min_side: 16.0,
            same_face_iou: 0.4,
        }
    }
}
