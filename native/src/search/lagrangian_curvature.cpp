#include "search/lagrangian_curvature.hpp"

#include "linalg/search_ops.hpp"

namespace blindspot {
namespace {
constexpr double kLeastCurvature = 0.2;  // of the damped pair, relative to the identity's
}

void LagrangianCurvature::commit(std::size_t n) {
  newest_ = slot();
  if (count_ < kPairs) ++count_;
  const float* basis[2 * kPairs];
  rows(basis);
  double with[2 * kPairs][2];  // the new move and the new change
  search_ops().pair_dots(basis, static_cast<std::size_t>(2 * count_), d_[newest_], c_[newest_], n, &with[0][0]);
  for (int j = 0; j < count_; ++j) {
    const int other = age(j);
    dd_[newest_][other] = dd_[other][newest_] = with[j][0];
    dc_[newest_][other] = with[count_ + j][0];
    dc_[other][newest_] = with[j][1];
    cc_[newest_][other] = cc_[other][newest_] = with[count_ + j][1];
  }
}

void LagrangianCurvature::rows(const float** out) const {
  for (int j = 0; j < count_; ++j) {
    out[j] = d_[age(j)];
    out[count_ + j] = c_[age(j)];
  }
}

void LagrangianCurvature::multiply(double mu, const double* basis_dot_v, double* coefficients) const {
  // t_j = d_j + weight[j] c_j
  double weight[kPairs];
  double inverse[kPairs];  // 1 / d_j . t_j
  for (int j = 0; j < count_; ++j) {
    const int at = age(j);
    const double dd = dd_[at][at];
    const double curvature = dd + mu * dc_[at][at];
    const double damping = curvature < kLeastCurvature * dd ? (1.0 - kLeastCurvature) * dd / (dd - curvature) : 1.0;
    weight[j] = damping * mu;
    inverse[j] = 1.0 / (dd + weight[j] * dc_[at][at]);
  }
  const auto move_dot_t = [&](int j, int k) { return dd_[age(j)][age(k)] + weight[k] * dc_[age(j)][age(k)]; };
  double alpha[kPairs];
  for (int j = count_ - 1; j >= 0; --j) {
    double product = basis_dot_v[j];
    for (int k = j + 1; k < count_; ++k) product -= alpha[k] * move_dot_t(j, k);
    alpha[j] = inverse[j] * product;
  }
  double beta[kPairs];
  for (int j = 0; j < count_; ++j) {
    double product = basis_dot_v[j] + weight[j] * basis_dot_v[count_ + j];
    for (int k = 0; k < count_; ++k) {
      const double t_dot_t = move_dot_t(j, k) + weight[j] * (dc_[age(k)][age(j)] + weight[k] * cc_[age(j)][age(k)]);
      product -= alpha[k] * t_dot_t;
    }
    for (int k = 0; k < j; ++k) product += (alpha[k] - beta[k]) * move_dot_t(k, j);
    beta[j] = inverse[j] * product;
  }
  for (int j = 0; j < count_; ++j) {
    coefficients[j] = -beta[j];
    coefficients[count_ + j] = -alpha[j] * weight[j];
  }
}

}  // namespace blindspot
