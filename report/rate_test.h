// Whether two rates differ by more than chance explains. Pure functions.
#ifndef REPORT_RATE_TEST_H_
#define REPORT_RATE_TEST_H_

#include <cstdint>
#include <vector>

namespace correlate {

struct Rate {
  uint64_t events = 0;
  double seconds = 0;
  double PerSecond() const { return seconds > 0 ? static_cast<double>(events) / seconds : 0; }
};

// How much more the counts of equal steps of time vary than those of independent events would
// (variance over mean; Cox and Lewis, The Statistical Analysis of Series of Events, 1966); at
// least 1. Drops come in bursts, and two rates of bursts differ by chance more than a Poisson test
// believes.
double Dispersion(const std::vector<double>& counts);

// The two-sided p of the conditional test of two Poisson rates (Przyborowski and Wilenski, 1940):
// given the sum, the events of one side are binomial. Counts are divided by the dispersion before.
// Exact where the sum is small, else by the normal approximation. 1 where nothing happened or a
// time is 0.
double RateChangeP(const Rate& before, const Rate& after, double dispersion);

// Which of these hold together at `alpha`, by Holm's step-down procedure.
std::vector<bool> HolmRejects(const std::vector<double>& p, double alpha);

}  // namespace correlate

#endif  // REPORT_RATE_TEST_H_
