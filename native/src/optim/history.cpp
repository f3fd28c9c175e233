#include "optim/history.hpp"

#include <cstring>
#include <initializer_list>

namespace blindspot {

template <typename T>
void History<T>::prepare() {
  for (int i = 0; i <= memory_; ++i) order_[i] = i;
  clear();
}

template <typename T>
void History<T>::clear() {
  count_ = 0;
  theta_ = 1.0;
  free_.mixed = 0;
  spare_ = order_[0];
}

template <typename T>
void History<T>::drop_oldest() {
  const int m = memory_;
  const std::size_t bytes = static_cast<std::size_t>(m - 1) * sizeof(double);
  for (double* matrix : {ss_, sy_, free_.yy, free_.sy, free_.ss}) {
    for (int i = 0; i + 1 < m; ++i) std::memmove(matrix + i * m, matrix + (i + 1) * m + 1, bytes);
  }
  const int oldest = order_[0];
  std::memmove(order_, order_ + 1, static_cast<std::size_t>(m) * sizeof(int));
  order_[m] = oldest;
  if (free_.mixed > 0) --free_.mixed;
  --count_;
}

template <typename T>
void History<T>::append(double sy, double yy) {
  if (count_ == memory_) drop_oldest();
  ++count_;
  spare_ = order_[count_];
  theta_ = yy / sy;
  for (int i = 0; i < count_; ++i) {
    rows_[1 + i] = slots_y_[order_[i]];
    rows_[1 + count_ + i] = slots_s_[order_[i]];
  }
}

template <typename T>
void History<T>::absorb(const double* with_s, const double* with_y) {
  const int m = memory_;
  const int last = count_ - 1;
  for (int j = 0; j <= last; ++j) {
    ss_[last * m + j] = ss_[j * m + last] = with_s[count_ + j];
    sy_[last * m + j] = with_s[j];
    free_.yy[last * m + j] = free_.yy[j * m + last] = with_y[j];
    free_.sy[last * m + j] = 0.0;
    free_.sy[j * m + last] = with_y[count_ + j];
    free_.ss[last * m + j] = free_.ss[j * m + last] = 0.0;
  }
}

template <typename T>
void History<T>::add_changed(const T* was_free, const T* is_free, const T* g, std::size_t n, double* sums) const {
  for (std::size_t i = 0; i < n; ++i) {
    if (was_free[i] == is_free[i]) continue;
    const double value = is_free[i] > T(0) ? -static_cast<double>(g[i]) : static_cast<double>(g[i]);
    for (int j = 0; j < 2 * count_; ++j) sums[j] += value * static_cast<double>(rows_[1 + j][i]);
  }
}

template <typename T>
void History<T>::move(FreeProducts& products, std::size_t variable, double sign) {
  const int m = memory_;
  double y[kMaxMemory];
  double s[kMaxMemory];
  for (int j = 0; j < count_; ++j) {
    y[j] = static_cast<double>(rows_[1 + j][variable]);
    s[j] = static_cast<double>(rows_[1 + count_ + j][variable]);
  }
  for (int i = 0; i < count_; ++i) {
    double* yy = products.yy + i * m;
    double* sy = products.sy + i * m;
    double* ss = products.ss + i * m;
    const double yi = sign * y[i];
    const double si = sign * s[i];
    for (int j = 0; j < count_; ++j) yy[j] += yi * y[j];
    for (int j = 0; j < count_; ++j) ss[j] -= si * s[j];
    for (int j = 0; j < i; ++j) sy[j] -= si * y[j];
    for (int j = i; j < count_; ++j) sy[j] += si * y[j];
  }
  products.mixed = count_;
}

template <typename T>
void History<T>::change_free_set(const T* was_free, const T* is_free, std::size_t n) {
  if (count_ == 0) return;
  for (std::size_t i = 0; i < n; ++i) {
    if (was_free[i] != is_free[i]) move(free_, i, is_free[i] > T(0) ? 1.0 : -1.0);
  }
}

template <typename T>
void History<T>::all_are_free() {
  if (free_.mixed == 0) return;
  for (int i = 0; i < count_; ++i) {
    for (int j = 0; j < count_; ++j) free_.ss[i * memory_ + j] = 0.0;
    for (int j = 0; j < i; ++j) free_.sy[i * memory_ + j] = 0.0;
  }
  free_.mixed = 0;
}

template <typename T>
FreeProducts& History<T>::copy_free_products() {
  const std::size_t bytes = static_cast<std::size_t>(memory_ * count_) * sizeof(double);
  std::memcpy(copy_.yy, free_.yy, bytes);
  std::memcpy(copy_.sy, free_.sy, bytes);
  std::memcpy(copy_.ss, free_.ss, bytes);
  copy_.mixed = free_.mixed;
  return copy_;
}

template <typename T>
bool History<T>::factor_middle() {
  // With b the part of S: (theta S^T S + L D^-1 L^T) b = v_S + L D^-1 v_Y, a = D^-1 (L^T b - v_Y).
  const int m = memory_;
  for (int i = 0; i < count_; ++i) {
    for (int j = 0; j < i; ++j) scaled_[i * m + j] = sy_[i * m + j] / sy_[j * m + j];
    scaled_[i * m + i] = 1.0 / sy_[i * m + i];
  }
  for (int i = 0; i < count_; ++i) {
    double* row = middle_ + i * m;
    for (int j = i; j < count_; ++j) row[j] = theta_ * ss_[i * m + j];
  }
  for (int k = 0; k < count_; ++k) {
    double column[kMaxMemory];
    for (int j = k + 1; j < count_; ++j) column[j] = sy_[j * m + k];
    for (int i = k + 1; i < count_; ++i) {
      const double c = scaled_[i * m + k];
      double* row = middle_ + i * m;
      for (int j = i; j < count_; ++j) row[j] += c * column[j];
    }
  }
  return cholesky(middle_, m, count_);
}

template <typename T>
void History<T>::times_middle(const double* v, double* out) const {
  const int m = memory_;
  const double* of_y = v;
  double* a = out;
  double* b = out + count_;
  for (int i = 0; i < count_; ++i) {
    double sum = v[count_ + i];
    for (int j = 0; j < i; ++j) sum += scaled_[i * m + j] * of_y[j];
    b[i] = sum;
  }
  solve_lower(middle_, m, count_, b);
  solve_upper(middle_, m, count_, b);
  for (int j = 0; j < count_; ++j) a[j] = -of_y[j] * scaled_[j * m + j];
  for (int i = 1; i < count_; ++i) {
    for (int j = 0; j < i; ++j) a[j] += scaled_[i * m + j] * b[i];
  }
}

template <typename T>
void History<T>::row_of_w(std::size_t variable, double* out) const {
  for (int j = 0; j < count_; ++j) {
    out[j] = static_cast<double>(rows_[1 + j][variable]);
    out[count_ + j] = theta_ * static_cast<double>(rows_[1 + count_ + j][variable]);
  }
}

template class History<float>;
template class History<double>;

}  // namespace blindspot
