#![cfg_attr(fuzzing, no_main)]
#![allow(missing_docs)]

face_liveness_fuzz::target!(face_liveness_fuzz::jpeg_scaled::jpeg_scaled);
