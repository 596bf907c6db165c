/* Answers request bodies from standard input, for contract_c.rs, as its `Piped` asks. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "face_liveness.h"

int main(void) {
    FaceLivenessEngine *engine = face_liveness_create();
    uint32_t length;
    while (fread(&length, 4, 1, stdin) == 1) {
        uint8_t *body = malloc(length + 1);
        if (fread(body, 1, length, stdin) != length) return 1;
        FaceLivenessAnswer answer = face_liveness_detect(engine, body, length);
        uint32_t head[2] = {answer.status, (uint32_t)answer.length};
        fwrite(head, 4, 2, stdout);
        fwrite(answer.body, 1, answer.length, stdout);
        fflush(stdout);
        face_liveness_free_answer(&answer);
        free(body);
    }
    face_liveness_free(&engine);
    return 0;
}
