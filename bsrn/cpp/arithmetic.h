// Arithmetic on vectors of pixels' channels: activations, 1x1 and depthwise convolutions.
//
// Compiled for one width of the network by bsrn/native.py, which defines
//   CHANNELS  features of the network (C), KEPT = C / 2 distilled, MID = C / 4 inside the spatial attention.
// All tensors are float32, channels last: [row][column][channel], channels padded with zeros to whole
// vectors. Weights of 1x1 convolutions are [in][out], of depthwise ones [3 * 3][channel].

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

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

// depthwise(rows) + residual for a row of pixels, which reads STEP pixels on for each of them. above, here and
// below point to the first pixel that the first one needs.
template <bool LOW, int N, Then THEN = GELU, int STEP = 1>
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
        sum += load(above + (p * STEP + i) * N + c) * weight[i];
        sum += load(here + (p * STEP + i) * N + c) * weight[3 + i];
        sum += load(below + (p * STEP + i) * N + c) * weight[6 + i];
      }
      store(y + p * sy + c, THEN == GELU ? gelu<LOW>(sum) : sum);
    }
  }
}
