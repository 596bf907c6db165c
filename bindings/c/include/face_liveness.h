/* Made by cbindgen from src/lib.rs: .ci/c header */

#ifndef FACE_LIVENESS_H
#define FACE_LIVENESS_H

#include <stddef.h>
#include <stdint.h>

// A detector and liveness models, loaded once. Any number of threads may use one at a time.
typedef struct FaceLivenessEngine FaceLivenessEngine;

// An answer. Free it with `face_liveness_free_answer`.
typedef struct FaceLivenessAnswer {
  // As over HTTP: 200, 400, 413 or 500. 0 for a null pointer, and when the engine could not
  // answer; then there is no body.
  uint16_t status;
  // JSON in UTF-8, without a terminating zero.
  uint8_t *body;
  // The length of the body in bytes.
  size_t length;
} FaceLivenessAnswer;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Loads the networks. Returns null when it fails.
struct FaceLivenessEngine *face_liveness_create(void);

// Answers the body of a request, `length` bytes of JSON, as the Liveness API does over HTTP. Reads
// nothing of a body that is longer than the limit of 5,000,000 bytes, which is answered with 413.
//
// # Safety
// `engine` is null or comes from `face_liveness_create` and has not been freed. `body` is null or
// points to `length` bytes that do not change meanwhile.
struct FaceLivenessAnswer face_liveness_detect(const struct FaceLivenessEngine *engine,
                                               const uint8_t *body,
                                               size_t length);

// Frees the body of an answer and sets its fields to zero, so that a second call does nothing.
//
// # Safety
// `answer` is null, or points to an answer of `face_liveness_detect` of which no copy has been
// freed.
void face_liveness_free_answer(struct FaceLivenessAnswer *answer);

// Frees an engine and sets the pointer to null, so that a second call does nothing.
//
// # Safety
// `engine` is null, or points to null or to an engine that no other thread uses and of which no
// copy has been freed.
void face_liveness_free(struct FaceLivenessEngine **engine);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FACE_LIVENESS_H */
