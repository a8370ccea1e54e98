// BSRN up to its last convolution, with blocks that are fused: what a block computes stays in the cache.

#include "arithmetic.h"
#include "team.h"

#include <limits>

constexpr int HALO = 4;  // rows and columns that a pixel of a block depends on, on each side
constexpr int TILE = 128;  // columns that are worked on at a time, so that all their rows fit into the cache
constexpr int HEAD = 3;  // channels of the image
constexpr int SQUEEZED = C / 16;  // channels inside the channel attention
constexpr int BODY = 3;  // convolutions of the spatial attention at low resolution

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

// Pointers in the order in which bsrn/native.py gives them; null where there is no bias.
struct Separable {
  const float *wide, *wide_bias, *deep, *deep_bias;  // 1x1, then depthwise
};
struct Block {
  const float *refine[3], *last, *distill[3], *fuse, *reduce, *shortcut, *expand;  // of 1x1 convolutions
  const float *refine_bias[3], *deep[3], *deep_bias[3], *last_bias, *last_deep, *last_deep_bias;
  const float *distill_bias[3], *fuse_bias, *reduce_bias, *shortcut_bias, *expand_bias;
  Separable strided, body[BODY];
  const float *squeeze, *squeeze_bias, *excite, *excite_bias;
  const float *mix;  // this block's part of the fusion of all blocks
};
struct Network {
  Separable head, tail;
  const float* mix_bias;
  Block blocks[1];  // as many as there are
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

struct Scratch {
  Rings rings;
  std::vector<float> one, two, three;
  float* sized(std::vector<float>& which, long size) {
    if (long(which.size()) < size) which.resize(size);
    return which.data();
  }
};

struct Size {
  long height, columns;
  long pixels() const { return height * columns; }
  Size strided() const { return {(height - 3) / 2 + 1, (columns - 3) / 2 + 1}; }
  Size pooled() const { return {(height - 7) / 3 + 1, (columns - 7) / 3 + 1}; }
};

// Tiles of columns and bands of rows, enough pieces for several threads.
struct Pieces {
  Size size;
  long tiles, bands;
  Pieces(Size size, int threads) : size(size), tiles((size.columns + TILE - 1) / TILE) {
    const long wanted = (2L * threads + tiles - 1) / tiles, most = std::max(1L, size.height / 32);
    bands = tiles % threads == 0 ? 1 : std::min(wanted, most);
  }
  long count() const { return tiles * bands; }
  long left(long number) const { return size.columns * (number % tiles) / tiles; }
  long right(long number) const { return size.columns * (number % tiles + 1) / tiles; }
  long top(long number) const { return size.height * (number / tiles) / bands; }
  long bottom(long number) const { return size.height * (number / tiles + 1) / bands; }
};

// A separable convolution to C features. make(row, column, count, to) computes the 1x1 part.
template <typename Make>
static void separable(const Pieces& pieces, long number, const Separable& w, const float* residual, float* y,
                      Ring<C, 3>& ring, const Make& make) {
  const auto [height, columns] = pieces.size;
  const long left = pieces.left(number), right = pieces.right(number), bottom = pieces.bottom(number);
  const long from = std::max(0L, left - 1), to = std::min(columns, right + 1);
  ring.clear();
  for (long r = pieces.top(number) - 1; r <= bottom; r++) {
    if (r >= 0 && r < height) make(r, from, to - from, ring.row(r) + (from - left + 1) * C);
    const long a = r - 1, at = a * columns + left;
    if (a < pieces.top(number)) continue;
    depthwise<false, C, KEEP>(ring.row_or_zeros(a - 1, height), ring.row_or_zeros(a, height),
                              ring.row_or_zeros(a + 1, height), right - left, w.deep, w.deep_bias,
                              residual ? residual + at * C : nullptr, y + at * C, C);
  }
}

// The image's channels, one after the other, to C features.
static void first_features(const float* image, Size size, const Separable& w, float* y, Team<Scratch>& team) {
  const Pieces pieces(size, team.size());
  team.run(pieces.count(), [&](long number, Scratch& own) {
    separable(pieces, number, w, nullptr, y, own.rings.p1, [&](long r, long column, long count, float* to) {
      const float* x = image + r * size.columns + column;
      for (int c = 0; c < C; c += L) {
        const V start = w.wide_bias ? load(w.wide_bias + c) : V{};
        for (long p = 0; p < count; p++) {
          V sum = start;
#pragma GCC unroll 3
          for (int k = 0; k < HEAD; k++) sum += x[k * size.pixels() + p] * load(w.wide + k * C + c);
          store(to + p * C + c, sum);
        }
      }
    });
  });
}

// separable(gelu(total)) + shallow.
template <bool LOW>
static void last_features(const float* total, Size size, const Separable& w, const float* shallow, float* y,
                          Team<Scratch>& team) {
  const Pieces pieces(size, team.size());
  team.run(pieces.count(), [&](long number, Scratch& own) {
    float* active = own.sized(own.one, (TILE + 2) * C);
    separable(pieces, number, w, shallow, y, own.rings.p1, [&](long r, long column, long count, float* to) {
      const float* x = total + (r * size.columns + column) * C;
      for (long i = 0; i < count * C; i += L) store(active + i, gelu<LOW>(load(x + i)));
      pointwise<LOW, C, C>(active, C, count, w.wide, w.wide_bias, to, C);
    });
  });
}

// The spatial attention at low resolution: strided convolution and maximum of 7 x 7 every 3 pixels.
static void pool(const Block& w, const float* reduced, Size size, float* pooled, Team<Scratch>& team) {
  const Size middle = size.strided(), small = middle.pooled();
  const long bands = std::min(small.height, 2L * team.size());
  std::fill(pooled, pooled + small.pixels() * M, -std::numeric_limits<float>::infinity());
  team.run(bands, [&](long band, Scratch& own) {
    const long begin = small.height * band / bands, end = small.height * (band + 1) / bands;
    const long length = size.columns * M;
    float *thin = own.sized(own.one, 3 * length), *line = own.sized(own.two, middle.columns * M);
    const auto row = [&](long r) { return thin + r % 3 * length; };
    long made = 3 * begin * 2;
    for (long i = 3 * begin; i < 3 * (end - 1) + 7; i++) {
      for (; made < 2 * i + 3; made++)
        pointwise<false, M, M>(reduced + made * length, M, size.columns, w.strided.wide, w.strided.wide_bias,
                               row(made), M);
      depthwise<false, M, KEEP, 2>(row(2 * i), row(2 * i + 1), row(2 * i + 2), middle.columns, w.strided.deep,
                                   w.strided.deep_bias, nullptr, line, M);
      for (long q = std::max(begin, (i - 4) / 3); q <= std::min(end - 1, i / 3); q++)
        for (long p = 0; p < small.columns; p++)
          for (int c = 0; c < M; c += L) {
            float* place = pooled + (q * small.columns + p) * M + c;
            V most = load(place);
            for (int k = 0; k < 7; k++) {
              const V value = load(line + (3 * p + k) * M + c);
              most = value > most ? value : most;
            }
            store(place, most);
          }
    }
  });
}

// The convolutions of the spatial attention after the pool, in place.
static void body(const Block& w, float* x, Size size, Scratch& own) {
  const long length = (size.columns + 2) * M;
  float* framed = own.sized(own.one, (size.height + 2) * length);
  std::fill(framed, framed + (size.height + 2) * length, 0.0f);
  for (int n = 0; n < BODY; n++) {
    const Separable& conv = w.body[n];
    for (long r = 0; r < size.height; r++)
      pointwise<false, M, M>(x + r * size.columns * M, M, size.columns, conv.wide, conv.wide_bias,
                             framed + (r + 1) * length + M, M);
    for (long r = 0; r < size.height; r++) {
      const float* above = framed + r * length;
      const auto row = n + 1 < BODY ? depthwise<false, M, GELU> : depthwise<false, M, KEEP>;
      row(above, above + length, above + 2 * length, size.columns, conv.deep, conv.deep_bias, nullptr,
          x + r * size.columns * M, M);
    }
  }
}

static long source(long at, long size, long from, float& share) {  // bilinear, centres of pixels aligned
  const float place = std::max(0.0f, (at + 0.5f) * (float(from) / float(size)) - 0.5f);
  const long low = std::min(long(place), from - 1);
  share = place - low;
  return low;
}

// A row of features *= sigmoid(expand(interpolated context + shortcut(reduced))); moments: C means and C sums
// of squared differences from them.
template <bool LOW>
static void attend_row(const Block& w, float* features, const float* reduced, const float* context, Size size,
                       Size small, long r, double* moments, Scratch& own) {
  constexpr long STEP = 48;
  float down, right;
  const long y0 = source(r, size.height, small.height, down), y1 = std::min(y0 + 1, small.height - 1);
  float* between = own.sized(own.one, small.columns * M);  // the context's rows, interpolated
  for (long i = 0; i < small.columns * M; i += L)
    store(between + i, (1 - down) * load(context + y0 * small.columns * M + i) +
                           down * load(context + y1 * small.columns * M + i));
  float *line = own.sized(own.two, STEP * M), *mask = own.sized(own.three, STEP * C);
  V sums[C / L] = {}, squares[C / L] = {}, centre[C / L];
  for (long from = 0; from < size.columns; from += STEP) {
    const long count = std::min(STEP, size.columns - from), at = r * size.columns + from;
    for (long p = 0; p < count; p++) {
      const long x0 = source(from + p, size.columns, small.columns, right), x1 = std::min(x0 + 1, small.columns - 1);
      for (int c = 0; c < M; c += L)
        store(line + p * M + c, (1 - right) * load(between + x0 * M + c) + right * load(between + x1 * M + c));
    }
    pointwise<LOW, M, M, ADD>(reduced + at * M, M, count, w.shortcut, w.shortcut_bias, line, M);
    pointwise<LOW, M, C>(line, M, count, w.expand, w.expand_bias, mask, C);
    for (int v = 0; v < C / L; v++) {
      V sum = sums[v], square = squares[v];
      float* place = features + at * C + v * L;
      if (from == 0) centre[v] = load(place) * sigmoid(load(mask + v * L));  // near the mean: little cancels below
      for (long p = 0; p < count; p++, place += C) {
        const V value = load(place) * sigmoid(load(mask + p * C + v * L)), apart = value - centre[v];
        store(place, value);
        sum += apart, square += apart * apart;
      }
      sums[v] = sum, squares[v] = square;
    }
  }
  for (int c = 0; c < C; c++) {
    const double shift = double(sums[c / L][c % L]) / size.columns;
    moments[c] = centre[c / L][c % L] + shift;
    moments[C + c] = squares[c / L][c % L] - shift * shift * size.columns;
  }
}

// The factors of the channel attention, from the moments of all rows.
static void factors(const Block& w, const double* moments, Size size, float* scale) {
  double mean[C] = {}, variance[C] = {};
  for (long r = 0; r < size.height; r++)
    for (int c = 0; c < C; c++) mean[c] += moments[r * 2 * C + c] / size.height;
  for (long r = 0; r < size.height; r++)
    for (int c = 0; c < C; c++) {
      const double apart = moments[r * 2 * C + c] - mean[c];
      variance[c] += (moments[r * 2 * C + C + c] / size.columns + apart * apart) / size.height;
    }
  float squeezed[SQUEEZED];
  for (int k = 0; k < SQUEEZED; k++) {
    float sum = w.squeeze_bias[k];
    for (int c = 0; c < C; c++)
      sum += float(mean[c] + std::sqrt(std::max(0.0, variance[c]))) * w.squeeze[c * SQUEEZED + k];
    squeezed[k] = std::max(0.0f, sum);
  }
  for (int c = 0; c < C; c++) {
    float sum = w.excite_bias[c];
    for (int k = 0; k < SQUEEZED; k++) sum += squeezed[k] * w.excite[k * C + c];
    scale[c] = 1 / (1 + std::exp(-sum));
  }
}

// features = features * scale + x. Then, to read and write the sum of all blocks' parts half as often, that of
// the block before, whose features x are, and of this one together: total (+)= x before + features mix.
template <bool LOW>
static void finish(const float* x, const float* scale, long pixels, float* features, const float* before,
                   const float* mix, const float* bias, float* total, Team<Scratch>& team) {
  constexpr long STEP = 48;
  const long parts = std::min(pixels, 4L * team.size());
  team.run(parts, [&](long part, Scratch&) {
    const long end = pixels * (part + 1) / parts;
    for (long from = pixels * part / parts; from < end; from += STEP) {
      const long count = std::min(STEP, end - from);
      for (long p = from; p < from + count; p++)
        for (int c = 0; c < C; c += L)
          store(features + p * C + c, load(features + p * C + c) * load(scale + c) + load(x + p * C + c));
      if (!mix) continue;
      const float *old = x + from * C, *fresh = features + from * C;
      float* sum = total + from * C;
      if (bias)
        pointwise<LOW, C, C>(fresh, C, count, mix, bias, sum, C);
      else
        pointwise<LOW, C, C, ADD>(fresh, C, count, mix, nullptr, sum, C);
      if (before) pointwise<LOW, C, C, ADD>(old, C, count, before, nullptr, sum, C);
    }
  });
}

template <bool LOW>
static void features(const Network& network, long blocks, const float* image, Size size, float* memory, float* y,
                     int threads) {
  Team<Scratch> team(threads);
  const long map = size.pixels() * C;
  float *shallow = memory, *total = memory + map, *maps[] = {y, memory + 2 * map}, *reduced = memory + 3 * map;
  const Size small = size.strided().pooled();
  std::vector<float> context(small.pixels() * M), scale(C);
  std::vector<double> moments(size.height * 2 * C);
  first_features(image, size, network.head, shallow, team);
  const float* x = shallow;
  for (long n = 0; n < blocks; n++) {
    const Block& w = network.blocks[n];
    float* now = maps[n % 2];
    const Pieces pieces(size, team.size());
    team.run(pieces.count(), [&](long number, Scratch& own) {
      const long left = pieces.left(number);
      distil<LOW>(w, x, size.height, size.columns, left, pieces.right(number) - left, pieces.top(number),
                  pieces.bottom(number), now, reduced, own.rings);
    });
    pool(w, reduced, size, context.data(), team);
    team.run(1, [&](long, Scratch& own) { body(w, context.data(), small, own); });
    const long bands = std::min(size.height, 4L * team.size());
    team.run(bands, [&](long band, Scratch& own) {
      for (long r = size.height * band / bands; r < size.height * (band + 1) / bands; r++)
        attend_row<LOW>(w, now, reduced, context.data(), size, small, r, moments.data() + r * 2 * C, own);
    });
    factors(w, moments.data(), size, scale.data());
    const bool pair = n % 2 == 1, due = pair || n == blocks - 1;
    finish<LOW>(x, scale.data(), size.pixels(), now, pair ? network.blocks[n - 1].mix : nullptr,
                due ? w.mix : nullptr, n < 2 ? network.mix_bias : nullptr, total, team);
    x = now;
  }
  last_features<LOW>(total, size, network.tail, shallow, y, team);
}

extern "C" {

int vector_floats() { return L; }

int has_bfloat16() { return HAS_LOW; }

// Floats of memory that bsrn_features needs.
long bsrn_memory(long height, long columns) { return height * columns * (3 * C + M); }

// What the last convolution takes, height x columns x C, from an image of 3 x height x columns. Where `low` is
// set, the factors of large 1x1 convolutions are rounded to bfloat16, and their weights are those of low_product.
void bsrn_features(const Network* network, long blocks, const float* image, long height, long columns,
                   float* memory, float* y, int low, int threads) {
  const Size size{height, columns};
  if (HAS_LOW && low)
    features<HAS_LOW>(*network, blocks, image, size, memory, y, threads);
  else
    features<false>(*network, blocks, image, size, memory, y, threads);
}

}  // extern "C"
