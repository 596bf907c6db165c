//! The wire contract, as tests of one transport.

use face_liveness::{Engine, JsonAnswer};

use crate::{ENGINE, Endpoint, rules};

/// The contract, as seen through one transport: the engine itself, HTTP, NATS or a binding.
pub struct Contract {
    serve: fn(Engine) -> Box<dyn Endpoint>,
    serve_default: Box<dyn Fn() -> Box<dyn Endpoint> + Send + Sync>,
    default: Box<dyn Endpoint>,
}

impl Contract {
    /// Tests the contract through the endpoints that `serve` puts in front of engines.
    pub fn new(serve: fn(Engine) -> Box<dyn Endpoint>) -> Self {
        let serve_default = move || serve(Engine::builder().build().unwrap());
        Self { serve, serve_default: Box::new(serve_default), default: serve(ENGINE.clone()) }
    }

    /// Tests a binding to another language, which builds the default engine by itself. It cannot
    /// take an engine of a rule, with other settings or a fake model: such an engine answers alone.
    pub fn of_binding(start: fn() -> Box<dyn Endpoint>) -> Self {
        let serve = |engine: Engine| -> Box<dyn Endpoint> { Box::new(engine) };
        Self { serve, serve_default: Box::new(start), default: start() }
    }

    /// Runs a rule by its module and name.
    ///
    /// # Panics
    /// When the rule is broken.
    pub fn check(&self, rule: &str) {
        let (_, check) = RULES.iter().find(|(name, _)| *name == rule).unwrap();
        check(self);
    }

    pub(crate) fn serve(&self, engine: Engine) -> Box<dyn Endpoint> {
        (self.serve)(engine)
    }

    /// An endpoint of its own, in front of another engine with the default settings.
    pub(crate) fn serve_default(&self) -> Box<dyn Endpoint> {
        (self.serve_default)()
    }
}

/// The default engine.
impl Endpoint for Contract {
    fn detect_json(&self, body: &[u8]) -> JsonAnswer {
        self.default.detect_json(body)
    }
}

type Rule = (&'static str, fn(&Contract));

/// Defines one `#[test]` for each rule of the contract, given an expression that dereferences to a
/// [`Contract`]: `contract_rules!(tests CONTRACT);`.
#[macro_export]
macro_rules! contract_rules {
    (table) => {
        $crate::contract_rules!(@rules @table)
    };
    (tests $contract:ident) => {
        $crate::contract_rules!(@rules @tests $contract);
    };
    (@rules $($arguments:tt)+) => {
        $crate::contract_rules! {
            $($arguments)+;
            request_fields:
                images_missing_is_110
                images_not_an_array_is_111
                an_image_that_is_not_an_object_is_111
                images_empty_or_too_few_is_219
                index_missing_is_110
                index_not_an_integer_is_111
                index_negative_or_out_of_range_is_112
                index_gap_among_those_needed_is_112
                duplicate_index_is_116_also_among_extras
                index_orders_the_images_whatever_their_position
                type_missing_is_110
                type_not_a_string_is_111
                type_that_the_model_does_not_take_is_112
                type_is_an_open_enum
                data_missing_is_110
                data_not_a_string_is_111
                data_blank_or_not_base64_is_112
                auto_rotate_not_a_bool_is_111_at_both_levels
                model_absent_is_the_default
                model_of_the_version_before_still_answers
                model_unknown_is_113
                model_not_a_string_is_111;
            request_rules:
                extra_images_are_ignored_whatever_they_hold
                unknown_fields_are_ignored
                a_field_that_appears_more_than_once_is_116
                base64_is_accepted_as_clients_send_it
                base64_may_be_escaped_in_the_json
                the_format_is_read_from_the_bytes
                other_formats_and_broken_files_are_215
                an_animated_gif_is_decoded_to_its_first_frame
                a_body_past_5_mb_is_413
                an_image_past_a_limit_is_215
                a_face_under_32_pixels_counts_as_not_found
                the_largest_of_several_faces_is_used
                no_face_is_223
                every_sample_format_becomes_8_bit_rgb
                alpha_is_blended_over_white
                palette_png_is_accepted
                cmyk_progressive_and_greyscale_jpegs_are_accepted;
            orientation:
                all_eight_values_are_applied_at_both_flag_levels
                the_tag_is_ignored_unless_a_flag_is_set;
            search_rotations:
                a_rotated_face_is_scored_as_if_upright
                an_image_without_a_face_is_still_223;
            response_fields:
                a_response_has_exactly_these_fields
                provenance_is_given_to_those_who_ask
                provenance_not_a_bool_is_111
                quality_is_given_to_those_who_ask
                quality_not_a_bool_is_111
                position_is_in_whole_pixels_inside_the_image
                spoof_score_is_a_probability
                a_score_that_is_not_a_probability_is_500
                warnings_never_change_the_score_and_are_absent_when_empty
                each_warning_appears_where_it_applies
                the_same_request_always_gives_the_same_response;
            errors:
                every_code_has_its_message
                a_body_that_is_not_json_is_112_on_body
                a_key_that_is_not_unicode_is_112_on_body
                a_body_that_is_not_an_object_is_111_on_body
                paths_follow_the_array_as_it_was_sent
                an_engine_failure_is_500_without_details;
        }
    };
    (@table; $($module:ident: $($rule:ident)+;)+) => {
        &[$($((
            concat!(stringify!($module), "::", stringify!($rule)),
            rules::$module::$rule,
        ),)+)+]
    };
    (@tests $contract:ident; $($module:ident: $($rule:ident)+;)+) => {
        $(mod $module {
            $(#[test]
            fn $rule() {
                super::$contract.check(concat!(stringify!($module), "::", stringify!($rule)));
            })+
        })+
    };
}

// A rule that is missing from `contract_rules!` is dead code, which the compiler reports.
const RULES: &[Rule] = contract_rules!(table);
