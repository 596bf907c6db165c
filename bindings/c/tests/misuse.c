/* Every misuse that can be answered is answered, and threads share an engine: misuse REQUEST.json.
   To be run under AddressSanitizer and Valgrind. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "face_liveness.h"

#define CHECK(condition)                                               \
    if (!(condition)) {                                                \
        fprintf(stderr, "line %d: not %s\n", __LINE__, #condition);    \
        exit(1);                                                       \
    }

static uint8_t body[1 << 20];
static size_t length;
static FaceLivenessEngine *engine;
static char expected[4096];

static void *ask(void *unused) {
    (void)unused;
    for (int i = 0; i < 3; i++) {
        FaceLivenessAnswer answer = face_liveness_detect(engine, body, length);
        CHECK(answer.status == 200);
        CHECK(answer.length == strlen(expected) && !memcmp(answer.body, expected, answer.length));
        face_liveness_free_answer(&answer);
    }
    return NULL;
}

static uint16_t status_of(const FaceLivenessEngine *asked, const void *bytes, size_t count) {
    FaceLivenessAnswer answer = face_liveness_detect(asked, bytes, count);
    uint16_t status = answer.status;
    CHECK((status == 0) == (answer.body == NULL) && (status == 0) == (answer.length == 0));
    face_liveness_free_answer(&answer);
    CHECK(answer.status == 0 && answer.body == NULL && answer.length == 0);
    face_liveness_free_answer(&answer);
    return status;
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    FILE *file = fopen(arguments[1], "rb");
    CHECK(file != NULL);
    length = fread(body, 1, sizeof body, file);
    fclose(file);

    engine = face_liveness_create();
    CHECK(engine != NULL);
    FaceLivenessAnswer answer = face_liveness_detect(engine, body, length);
    CHECK(answer.status == 200 && answer.length < sizeof expected);
    memcpy(expected, answer.body, answer.length);
    face_liveness_free_answer(&answer);

    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, ask, NULL) == 0);
    for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);

    CHECK(status_of(NULL, body, length) == 0);
    CHECK(status_of(engine, NULL, 1) == 0);
    CHECK(status_of(engine, NULL, SIZE_MAX) == 0);
    CHECK(status_of(engine, NULL, 0) == 400);
    CHECK(status_of(engine, body, 0) == 400);
    CHECK(status_of(engine, "{", 1) == 400);
    CHECK(status_of(engine, "\xff\0", 2) == 400);
    /* Nothing beyond the limit is read. */
    CHECK(status_of(engine, body, 5000001) == 413);
    CHECK(status_of(engine, body, SIZE_MAX) == 413);

    face_liveness_free_answer(NULL);
    face_liveness_free(NULL);
    face_liveness_free(&engine);
    CHECK(engine == NULL);
    face_liveness_free(&engine);
    CHECK(status_of(engine, body, length) == 0);
    puts("misuse: passed");
    return 0;
}
