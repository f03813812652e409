/*
 * ISA-L's erasure code as the reference of bench/codec.ts. Reads one order per line from standard input and answers with one figure:
 *
 *   encode K M SHARD_BYTES MS      parity of K data shards
 *   decode K M SHARD_BYTES MS L    the first L data shards out of the other K
 *
 * Answer: GB/s of data (K shards), measured over at least MS milliseconds of CPU time after a warm-up. Shards lie one after another, 64-byte aligned.
 * Every order's result is checked once: parity decodes to the data it was made of.
 */
#include <isa-l.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_SHARDS 255

/* CPU time of this thread: what other processes take of a shared machine is not the code's cost. */
static double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  fprintf(stderr, "isal: %s\n", what);
  exit(1);
}

int main(void) {
  char kind[16];
  int k, m, shard_bytes, milliseconds;
  while (scanf("%15s %d %d %d %d", kind, &k, &m, &shard_bytes, &milliseconds) == 5) {
    int lost = 0;
    const int decodes = strcmp(kind, "decode") == 0;
    if (decodes && scanf("%d", &lost) != 1) fail("decode needs a number of lost shards");
    const int n = k + m;
    const int rows = decodes ? lost : m;
    if (k < 1 || m < 1 || n > MAX_SHARDS || lost > m || shard_bytes < 1) fail("bad order");
    uint8_t *memory = aligned_alloc(64, ((size_t)(n + rows) * shard_bytes + 63) / 64 * 64);
    uint8_t *matrix = malloc((size_t)n * k);
    uint8_t *tables = malloc((size_t)k * n * 32);
    if (!memory || !matrix || !tables) fail("out of memory");
    uint8_t *shards[MAX_SHARDS], *sources[MAX_SHARDS], *outputs[MAX_SHARDS];
    for (int i = 0; i < n; i++) shards[i] = memory + (size_t)i * shard_bytes;
    for (size_t i = 0; i < (size_t)k * shard_bytes; i++) memory[i] = (uint8_t)(i * 2654435761u >> 13);
    gf_gen_cauchy1_matrix(matrix, n, k);
    ec_init_tables(k, m, matrix + (size_t)k * k, tables);
    ec_encode_data(shard_bytes, k, m, tables, shards, shards + k);
    for (int i = 0; i < rows; i++) outputs[i] = memory + (size_t)((decodes ? n : k) + i) * shard_bytes;
    for (int j = 0; j < k; j++) sources[j] = shards[j];
    if (decodes) {
      uint8_t *kept = malloc((size_t)k * k), *inverse = malloc((size_t)k * k);
      if (!kept || !inverse) fail("out of memory");
      for (int j = 0; j < k; j++) {
        sources[j] = shards[lost + j];
        memcpy(kept + (size_t)j * k, matrix + (size_t)(lost + j) * k, k);
      }
      if (gf_invert_matrix(kept, inverse, k) != 0) fail("singular matrix");
      ec_init_tables(k, lost, inverse, tables);
      free(kept);
      free(inverse);
      ec_encode_data(shard_bytes, k, lost, tables, sources, outputs);
      for (int i = 0; i < lost; i++)
        if (memcmp(outputs[i], shards[i], shard_bytes) != 0) fail("decoded other bytes");
    }
    double seconds = 0;
    for (int pass = 0; pass < 2; pass++) {
      const double budget = (pass == 0 ? milliseconds / 4.0 : milliseconds) / 1e3;
      const double start = now_seconds();
      long rounds = 0;
      do {
        for (int i = 0; i < 4; i++) ec_encode_data(shard_bytes, k, rows, tables, sources, outputs);
        rounds += 4;
        seconds = now_seconds() - start;
      } while (seconds < budget);
      if (pass == 1) printf("%.4f\n", (double)rounds * k * shard_bytes / seconds / 1e9);
    }
    fflush(stdout);
    free(tables);
    free(matrix);
    free(memory);
  }
  return 0;
}
