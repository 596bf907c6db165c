/* Scores the request in a file of JSON: detect request.json */

#include <stdio.h>
#include <stdlib.h>

#include "face_liveness.h"

static uint8_t *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    uint8_t *bytes = NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        long end = ftell(file);
        rewind(file);
        if (end > 0 && (bytes = malloc((size_t)end)) != NULL) {
            *length = fread(bytes, 1, (size_t)end, file);
        }
    }
    fclose(file);
    return bytes;
}

int main(int count, char **arguments) {
    size_t length = 0;
    uint8_t *body = count == 2 ? read_file(arguments[1], &length) : NULL;
    if (body == NULL) {
        fprintf(stderr, "usage: detect REQUEST.json\n");
        return 2;
    }
    FaceLivenessEngine *engine = face_liveness_create();
    if (engine == NULL) return 2;
    FaceLivenessAnswer answer = face_liveness_detect(engine, body, length);
    printf("%u %.*s\n", answer.status, (int)answer.length, (const char *)answer.body);
    int status = answer.status == 200 ? 0 : 1;
    face_liveness_free_answer(&answer);
    face_liveness_free(&engine);
    free(body);
    return status;
}
