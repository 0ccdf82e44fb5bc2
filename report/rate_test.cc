#include "report/rate_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace correlate {

double Dispersion(const std::vector<double>& counts) {
  if (counts.size() < 2) return 1;
  const auto n = static_cast<double>(counts.size());
  const double mean = std::accumulate(counts.begin(), counts.end(), 0.0) / n;
  if (mean <= 0) return 1;
  double squares = 0;
  for (const double count : counts) squares += (count - mean) * (count - mean);
  return std::max(1.0, squares / (n - 1) / mean);
}

double RateChangeP(const Rate& before, const Rate& after, double dispersion) {
  if (before.seconds <= 0 || after.seconds <= 0 || before.events + after.events == 0) return 1;
  const double share = after.seconds / (before.seconds + after.seconds);
  const double b = static_cast<double>(before.events) / dispersion;
  const double a = static_cast<double>(after.events) / dispersion;
  const double n = a + b;
  constexpr double kMostExact = 1000;
  if (n > kMostExact) {
    const double z = (std::abs(a - n * share) - 0.5) / std::sqrt(n * share * (1 - share));
    return z <= 0 ? 1 : std::erfc(z / std::sqrt(2.0));
  }
  // All outcomes that are no likelier than this one.
  const auto total = static_cast<int>(std::lround(n));
  const auto seen = static_cast<int>(std::lround(a));
  const auto log_likelihood = [&](int k) {
    return std::lgamma(total + 1.0) - std::lgamma(k + 1.0) - std::lgamma(total - k + 1.0) +
           k * std::log(share) + (total - k) * std::log1p(-share);
  };
  if (total == 0) return 1;
  constexpr double kRounding = 1e-7;
  const double limit = log_likelihood(std::min(seen, total)) + kRounding;
  double p = 0;
  for (int k = 0; k <= total; ++k) {
    const double likelihood = log_likelihood(k);
    if (likelihood <= limit) p += std::exp(likelihood);
  }
  return std::min(p, 1.0);
}

std::vector<bool> HolmRejects(const std::vector<double>& p, double alpha) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<bool> rejects(p.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (p[order[i]] > alpha / static_cast<double>(p.size() - i)) break;
    rejects[order[i]] = true;
  }
  return rejects;
}

}  // namespace correlate
