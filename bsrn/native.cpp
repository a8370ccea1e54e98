// The distillation blocks of BSRN, fused: what a block computes stays in the cache.
//
// Compiled for one width of the network by bsrn/native.py, which defines
//   CHANNELS  features of the network (C), KEPT = C / 2 distilled, MID = C / 4 inside the spatial attention.
// All tensors are float32, channels last: [row][column][channel], channels padded with zeros to whole
// vectors. Weights of 1x1 convolutions are [in][out], of depthwise ones [3 * 3][channel].

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int L = 16;  // floats in a vector
constexpr int GROUP = 4;  // vectors of output that one pass over the input makes
#elif defined(__AVX2__)
constexpr int L = 8;
constexpr int GROUP = 2;
#else
constexpr int L = 4;
constexpr int GROUP = 2;
#endif
typedef float V __attribute__((vector_size(4 * L)));
typedef int32_t I __attribute__((vector_size(4 * L)));
typedef V U __attribute__((aligned(4), may_alias));  // the same, wherever it lies

constexpr int padded(int channels) { return (channels + L - 1) / L * L; }
constexpr int C = CHANNELS, K = padded(KEPT), M = padded(MID);
static_assert(C % L == 0, "the network's width must be a multiple of the vector's");
constexpr int HALO = 4;  // rows and columns that a pixel of a block depends on, on each side
constexpr int TILE = 128;  // columns that are worked on at a time, so that all their rows fit into the cache

static inline V load(const float* from) { return *reinterpret_cast<const U*>(from); }
static inline void store(float* to, V value) { *reinterpret_cast<U*>(to) = value; }
static inline V all(float value) { return value - V{}; }
#if defined(__AVX512F__)
static inline V clamp(V x, float least, float most) {
  return (V)_mm512_min_ps(_mm512_max_ps((__m512)x, _mm512_set1_ps(least)), _mm512_set1_ps(most));
}
// 1 / x to 14 bits, or with a step of Newton's to single precision; x far from zero and infinity.
template <bool LOW>
static inline V inverse(V x) {
  const V guess = (V)_mm512_rcp14_ps((__m512)x);
  return LOW ? guess : guess * (2.0f - x * guess);
}
#else
static inline V clamp(V x, float least, float most) {
  x = x < least ? all(least) : x;
  return x > most ? all(most) : x;
}
template <bool LOW>
static inline V inverse(V x) {
  return 1.0f / x;
}
#endif

// x * (1 + erf(x / sqrt 2)) / 2. The error function is z * P(z * z) / Q(z * z), fitted on the interval outside
// of which it is 1 in the precision wanted: to 1.6e-8, or to 4e-4 where factors are rounded to bfloat16.
template <bool LOW>
static inline V gelu(V x) {
  constexpr float END = LOW ? 2.7f : 3.92f;
  const V z = clamp(x * 0.70710678f, -END, END), t = z * z;
  V p, q;
  if constexpr (LOW) {
    p = all(0.0312852758f), q = all(0.217272808f);
    p = p * t + 0.56015771f, q = q * t + 0.824465315f;
    p = p * t + 1.12863273f, q = q * t + 1.0f;
  } else {
    p = all(2.03475823e-06f), q = all(3.80707365e-05f);
    p = p * t + 0.000287476651f, q = q * t + 0.00118808532f;
    p = p * t + 0.00386820502f, q = q * t + 0.0151720539f;
    p = p * t + 0.0530601112f, q = q * t + 0.115083444f;
    p = p * t + 0.1927612f, q = q * t + 0.504161833f;
    p = p * t + 1.12837902f, q = q * t + 1.0f;
  }
  const V half = 0.5f * x;
  return half + half * (z * p) * inverse<LOW>(q);
}

// 1 / (1 + exp(-x)): 2^n times the exponential series of what is left after n, which is at most ln(2) / 2.
static inline V sigmoid(V x) {
  const V y = clamp(-x, -87.0f, 87.0f) * 1.44269504f;
  const V magic = all(12582912.0f);  // adding it rounds to a whole number
  const V n = (y + magic) - magic;
  const V f = (y - n) * 0.693147181f;
  V e = all(1.0f / 720);
  e = e * f + 1.0f / 120, e = e * f + 1.0f / 24, e = e * f + 1.0f / 6, e = e * f + 0.5f, e = e * f + 1.0f;
  e = e * f + 1.0f;
  const I power = (__builtin_convertvector(n, I) + 127) << 23;
  V scale;
  std::memcpy(&scale, &power, sizeof scale);
  return inverse<false>(1.0f + e * scale);
}

enum Then { KEEP, GELU, ADD };  // what happens to a result: stored, activated, added to what is there

template <int PIXELS, int VECTORS, int IN, int OUT, Then THEN>
static inline void product(const float* x, long sx, const float* w, const float* b, float* y, long sy) {
  V sum[PIXELS][VECTORS];
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++) {
    const V start = b ? load(b + v * L) : V{};
#pragma GCC unroll 8
    for (int p = 0; p < PIXELS; p++) sum[p][v] = THEN == ADD ? start + load(y + p * sy + v * L) : start;
  }
  for (int k = 0; k < IN; k++) {
    V weight[VECTORS];
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++) weight[v] = load(w + k * OUT + v * L);
#pragma GCC unroll 8
    for (int p = 0; p < PIXELS; p++) {
      const V value = all(x[p * sx + k]);
#pragma GCC unroll 8
      for (int v = 0; v < VECTORS; v++) sum[p][v] += value * weight[v];
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < PIXELS; p++)
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++) store(y + p * sy + v * L, THEN == GELU ? gelu<false>(sum[p][v]) : sum[p][v]);
}

#if defined(__AVX512BF16__)
// The same with both factors rounded to bfloat16 and sums in float32. The weights are pairs of inputs:
// [in / 2][out][2] bfloat16.
template <int PIXELS, int VECTORS, int IN, int OUT, Then THEN>
static inline void low_product(const float* x, long sx, const float* w, const float* b, float* y, long sy) {
  alignas(64) int32_t pairs[PIXELS][IN / 2];
  for (int p = 0; p < PIXELS; p++)
    for (int k = 0; k < IN; k += 16) {
      const __m256bh few = _mm512_cvtneps_pbh(_mm512_loadu_ps(x + p * sx + k));
      std::memcpy(&pairs[p][k / 2], &few, sizeof few);
    }
  const int32_t* wp = reinterpret_cast<const int32_t*>(w);
  __m512 sum[PIXELS][VECTORS];
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++) {
    const __m512 start = b ? _mm512_loadu_ps(b + v * L) : _mm512_setzero_ps();
#pragma GCC unroll 8
    for (int p = 0; p < PIXELS; p++)
      sum[p][v] = THEN == ADD ? _mm512_add_ps(start, _mm512_loadu_ps(y + p * sy + v * L)) : start;
  }
  for (int k = 0; k < IN / 2; k++) {
    __m512bh weight[VECTORS];
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++) weight[v] = (__m512bh)_mm512_loadu_si512(wp + k * OUT + v * L);
#pragma GCC unroll 8
    for (int p = 0; p < PIXELS; p++) {
      const __m512bh value = (__m512bh)_mm512_set1_epi32(pairs[p][k]);
#pragma GCC unroll 8
      for (int v = 0; v < VECTORS; v++) sum[p][v] = _mm512_dpbf16_ps(sum[p][v], value, weight[v]);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < PIXELS; p++)
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++) {
      const V result = (V)sum[p][v];
      store(y + p * sy + v * L, THEN == GELU ? gelu<true>(result) : result);
    }
}
constexpr bool HAS_LOW = true;
#else
constexpr bool HAS_LOW = false;
#endif

template <int PIXELS, int VECTORS, int IN, int OUT, Then THEN, bool LOW>
static inline void some(const float* x, long sx, const float* w, const float* b, float* y, long sy) {
#if defined(__AVX512BF16__)
  if constexpr (LOW) return low_product<PIXELS, VECTORS, IN, OUT, THEN>(x, sx, w, b, y, sy);
#endif
  product<PIXELS, VECTORS, IN, OUT, THEN>(x, sx, w, b, y, sy);
}

// A 1x1 convolution of pixels that lie sx floats apart; b is null where there is no bias.
template <bool LOW, int IN, int OUT, Then THEN = KEEP>
static void pointwise(const float* x, long sx, long pixels, const float* w, const float* b, float* y, long sy) {
  constexpr int WIDE = std::min(GROUP, OUT / L), REST = OUT / L % WIDE;
  constexpr int MANY = 6;
  for (int first = 0; first < OUT / L; first += WIDE) {
    const float *wg = w + first * L, *bg = b ? b + first * L : nullptr;
    float* yg = y + first * L;
    const bool whole = REST == 0 || first + WIDE <= OUT / L;
    long p = 0;
    if (whole) {
      for (; p + MANY <= pixels; p += MANY)
        some<MANY, WIDE, IN, OUT, THEN, LOW>(x + p * sx, sx, wg, bg, yg + p * sy, sy);
      for (; p < pixels; p++) some<1, WIDE, IN, OUT, THEN, LOW>(x + p * sx, sx, wg, bg, yg + p * sy, sy);
    } else {
      constexpr int LAST = REST ? REST : 1;
      for (; p + MANY <= pixels; p += MANY)
        some<MANY, LAST, IN, OUT, THEN, LOW>(x + p * sx, sx, wg, bg, yg + p * sy, sy);
      for (; p < pixels; p++) some<1, LAST, IN, OUT, THEN, LOW>(x + p * sx, sx, wg, bg, yg + p * sy, sy);
    }
  }
}

// gelu(depthwise(rows) + residual) for a row of pixels. above, here, below point to the pixel before the first.
template <bool LOW, int N>
static void depthwise(const float* above, const float* here, const float* below, long pixels, const float* w,
                      const float* b, const float* residual, float* y, long sy) {
  for (int c = 0; c < N; c += L) {
    V weight[9];
    for (int i = 0; i < 9; i++) weight[i] = load(w + i * N + c);
    const V bias = load(b + c);
    for (long p = 0; p < pixels; p++) {
      V sum = residual ? bias + load(residual + p * N + c) : bias;
#pragma GCC unroll 3
      for (int i = 0; i < 3; i++) {
        sum += load(above + (p + i) * N + c) * weight[i];
        sum += load(here + (p + i) * N + c) * weight[3 + i];
        sum += load(below + (p + i) * N + c) * weight[6 + i];
      }
      store(y + p * sy + c, gelu<LOW>(sum));
    }
  }
}

// Some rows of a tile's columns, the row r in place r modulo ROWS; a column of zeros on each side.
template <int N, int ROWS>
struct Ring {
  static constexpr long STRIDE = (TILE + 2 * HALO + 2) * N;
  std::vector<float> memory = std::vector<float>(ROWS * STRIDE + L);
  std::vector<float> zeros = std::vector<float>(STRIDE);
  float* row(long r) { return memory.data() + ((r % ROWS + ROWS) % ROWS) * STRIDE + N; }
  const float* row_or_zeros(long r, long height) { return r < 0 || r >= height ? zeros.data() + N : row(r); }
  void clear() { std::fill(memory.begin(), memory.end(), 0.0f); }
};

struct Block {  // the weights of a block; pointers in the order in which bsrn/native.py gives them
  const float *refine[3], *last, *distill[3], *fuse, *reduce, *shortcut, *expand;  // of 1x1 convolutions
  const float *refine_bias[3], *deep[3], *deep_bias[3], *last_bias, *last_deep, *last_deep_bias;
  const float *distill_bias[3], *fuse_bias, *reduce_bias, *shortcut_bias, *expand_bias;
};

struct Rings {
  Ring<C, 3> p1, p2, p3;
  Ring<K, 3> p4;
  Ring<C, 4> y1;
  Ring<C, 3> y2;
  Ring<C, 2> y3;
  std::vector<float> parts = std::vector<float>(TILE * 4 * K);
};

// The columns [left, left + width) and rows [top, bottom) of the fused parts and of their reduction.
template <bool LOW>
static void distil(const Block& w, const float* x, long height, long columns, long left, long width, long top,
                   long bottom, float* fused, float* reduced, Rings& ring) {
  ring.p1.clear(), ring.p2.clear(), ring.p3.clear(), ring.p4.clear();
  const long origin = left - HALO;  // the column in place 0 of a ring's row
  // Columns that stage s of the block must have computed, for the stages after it to be right.
  const auto begin = [&](int halo) { return std::max(0L, left - halo); };
  const auto count = [&](int halo) { return std::min(columns, left + width + halo) - begin(halo); };
  const auto inside = [&](long r, int halo) { return r >= std::max(0L, top - halo) && r < std::min(height, bottom + halo); };
  const auto separable = [&](auto& p, long r, int halo, int stage, const float* residual, float* y, long sy) {
    constexpr int N = std::remove_reference_t<decltype(p)>::STRIDE / (TILE + 2 * HALO + 2);
    const long at = (begin(halo) - origin - 1) * N;
    depthwise<LOW, N>(p.row_or_zeros(r - 1, height) + at, p.row_or_zeros(r, height) + at,
                 p.row_or_zeros(r + 1, height) + at, count(halo), stage < 3 ? w.deep[stage] : w.last_deep,
                 stage < 3 ? w.deep_bias[stage] : w.last_deep_bias, residual, y, sy);
  };
  for (long r = top - HALO; r < bottom + HALO; r++) {
    if (inside(r, 4))
      pointwise<LOW, C, C>(x + (r * columns + begin(4)) * C, C, count(4), w.refine[0], w.refine_bias[0],
                      ring.p1.row(r) + (begin(4) - origin) * C, C);
    if (const long a = r - 1; inside(a, 3)) {
      float* y = ring.y1.row(a) + (begin(3) - origin) * C;
      separable(ring.p1, a, 3, 0, x + (a * columns + begin(3)) * C, y, C);
      pointwise<LOW, C, C>(y, C, count(3), w.refine[1], w.refine_bias[1], ring.p2.row(a) + (begin(3) - origin) * C, C);
    }
    if (const long a = r - 2; inside(a, 2)) {
      float* y = ring.y2.row(a) + (begin(2) - origin) * C;
      separable(ring.p2, a, 2, 1, ring.y1.row(a) + (begin(2) - origin) * C, y, C);
      pointwise<LOW, C, C>(y, C, count(2), w.refine[2], w.refine_bias[2], ring.p3.row(a) + (begin(2) - origin) * C, C);
    }
    if (const long a = r - 3; inside(a, 1)) {
      float* y = ring.y3.row(a) + (begin(1) - origin) * C;
      separable(ring.p3, a, 1, 2, ring.y2.row(a) + (begin(1) - origin) * C, y, C);
      pointwise<LOW, C, K>(y, C, count(1), w.last, w.last_bias, ring.p4.row(a) + (begin(1) - origin) * K, K);
    }
    if (const long a = r - 4; inside(a, 0)) {
      const long at = (left - origin) * C, pixel = a * columns + left;
      float* parts = ring.parts.data();
      pointwise<LOW, C, K, GELU>(x + pixel * C, C, width, w.distill[0], w.distill_bias[0], parts, 4 * K);
      pointwise<LOW, C, K, GELU>(ring.y1.row(a) + at, C, width, w.distill[1], w.distill_bias[1], parts + K, 4 * K);
      pointwise<LOW, C, K, GELU>(ring.y2.row(a) + at, C, width, w.distill[2], w.distill_bias[2], parts + 2 * K, 4 * K);
      separable(ring.p4, a, 0, 3, nullptr, parts + 3 * K, 4 * K);
      pointwise<LOW, 4 * K, C>(parts, 4 * K, width, w.fuse, w.fuse_bias, fused + pixel * C, C);
      pointwise<LOW, C, M>(fused + pixel * C, C, width, w.reduce, w.reduce_bias, reduced + pixel * M, M);
    }
  }
}

// Calls work(number) for the numbers below count, on several threads.
template <typename Work>
static void share(long count, int threads, const Work& work) {
  std::atomic<long> next{0};
  const auto serve = [&](auto start) {
    auto own = start();
    for (long number; (number = next++) < count;) work(number, own);
  };
  const auto start = [] { return typename Work::Own(); };
  std::vector<std::thread> others;
  for (int i = 1; i < std::min<long>(threads, count); i++) others.emplace_back([&] { serve(start); });
  serve(start);
  for (auto& other : others) other.join();
}

struct Nothing {};

template <bool LOW>
struct Distil {
  using Own = Rings;
  const Block& w;
  const float* x;
  long height, columns, tiles, bands;
  float *fused, *reduced;
  void operator()(long number, Rings& rings) const {
    const long tile = number % tiles, band = number / tiles;
    const long left = columns * tile / tiles, right = columns * (tile + 1) / tiles;
    distil<LOW>(w, x, height, columns, left, right - left, height * band / bands, height * (band + 1) / bands, fused,
           reduced, rings);
  }
};

template <bool LOW>
struct Attend {
  using Own = Nothing;
  const Block& w;
  float* features;  // replaced
  const float *reduced, *context;  // context: rows x across x MID, to be interpolated
  long height, columns, rows, across, bands;
  double* moments;  // of each row: C means, and C sums of squared differences from the mean
  void operator()(long band, Nothing&) const {
    std::vector<float> line(columns * M), mask(columns * C);
    for (long r = height * band / bands; r < height * (band + 1) / bands; r++) one_row(r, line.data(), mask.data());
  }
  static long source(long at, long size, long from, float& share) {  // bilinear, centres of pixels aligned
    const float place = std::max(0.0f, (at + 0.5f) * (float(from) / float(size)) - 0.5f);
    const long low = std::min(long(place), from - 1);
    share = place - low;
    return low;
  }
  void one_row(long r, float* line, float* mask) const {
    float down, right;
    const long y0 = source(r, height, rows, down), y1 = std::min(y0 + 1, rows - 1);
    for (long c = 0; c < columns; c++) {
      const long x0 = source(c, columns, across, right), x1 = std::min(x0 + 1, across - 1);
      const float *a = context + (y0 * across + x0) * MID, *b = context + (y0 * across + x1) * MID;
      const float *d = context + (y1 * across + x0) * MID, *e = context + (y1 * across + x1) * MID;
      for (int m = 0; m < MID; m++)
        line[c * M + m] = (1 - down) * ((1 - right) * a[m] + right * b[m]) + down * ((1 - right) * d[m] + right * e[m]);
      for (int m = MID; m < M; m++) line[c * M + m] = 0;
    }
    pointwise<LOW, M, M, ADD>(reduced + r * columns * M, M, columns, w.shortcut, w.shortcut_bias, line, M);
    pointwise<LOW, M, C>(line, M, columns, w.expand, w.expand_bias, mask, C);
    for (int c = 0; c < C; c += L) {
      V sum = V{}, squares = V{}, centre = V{};
      for (long p = 0; p < columns; p++) {
        float* place = features + (r * columns + p) * C + c;
        const V value = load(place) * sigmoid(load(mask + p * C + c));
        store(place, value);
        if (p == 0) centre = value;  // near the mean, so that little cancels below
        sum += value - centre, squares += (value - centre) * (value - centre);
      }
      for (int i = 0; i < L; i++) {
        const double shift = double(sum[i]) / columns;
        moments[r * 2 * C + c + i] = centre[i] + shift;
        moments[r * 2 * C + C + c + i] = squares[i] - shift * shift * columns;
      }
    }
  }
};

template <bool LOW>
struct Finish {
  using Own = Nothing;
  const float *x, *scale, *w, *b;
  long pixels, parts;
  float *features, *total;  // features: replaced
  bool first;
  void operator()(long part, Nothing&) const {
    constexpr long STEP = 96;
    const long end = pixels * (part + 1) / parts;
    for (long from = pixels * part / parts; from < end; from += STEP) {
      const long count = std::min(STEP, end - from);
      for (int c = 0; c < C; c += L) {
        const V factor = load(scale + c);
        for (long p = from; p < from + count; p++)
          store(features + p * C + c, load(features + p * C + c) * factor + load(x + p * C + c));
      }
      if (first)
        pointwise<LOW, C, C>(features + from * C, C, count, w, b, total + from * C, C);
      else
        pointwise<LOW, C, C, ADD>(features + from * C, C, count, w, nullptr, total + from * C, C);
    }
  }
};

// Calls work with or without low precision.
template <template <bool> typename Work, typename... Arguments>
static void share_as(int low, long count, int threads, Arguments... arguments) {
  if (HAS_LOW && low)
    share(count, threads, Work<true>{arguments...});
  else
    share(count, threads, Work<false>{arguments...});
}

extern "C" {

int vector_floats() { return L; }

int has_bfloat16() { return HAS_LOW; }

// Where `low` is set, the weights of 1x1 convolutions are those of low_product, and products are rounded so.

// fused: height x columns x C; reduced: height x columns x M.
void esdb_distil(const Block* w, const float* x, long height, long columns, float* fused, float* reduced, int low,
                 int threads) {
  const long tiles = (columns + TILE - 1) / TILE;
  const long wanted = (2L * threads + tiles - 1) / tiles, most = std::max(1L, height / 32);
  const long bands = tiles % threads == 0 ? 1 : std::min(wanted, most);
  share_as<Distil>(low, tiles * bands, threads, *w, x, height, columns, tiles, bands, fused, reduced);
}

// features *= sigmoid(expand(interpolated context + shortcut(reduced))); moments: height x 2 x C.
void esdb_attend(const Block* w, float* features, const float* reduced, const float* context, long rows, long across,
                 long height, long columns, double* moments, int low, int threads) {
  const long bands = std::min(height, 4L * threads);
  share_as<Attend>(low, bands, threads, *w, features, reduced, context, height, columns, rows, across, bands, moments);
}

// features = features * scale + x; total = (b, the first time, or total) + features w.
void esdb_finish(const float* x, const float* scale, const float* w, const float* b, long pixels, int first,
                 float* features, float* total, int low, int threads) {
  const long parts = std::min(pixels, 4L * threads);
  share_as<Finish>(low, parts, threads, x, scale, w, b, pixels, parts, features, total, first != 0);
}

}  // extern "C"
