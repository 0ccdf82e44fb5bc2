#include "alert/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "base/clocks.h"

namespace correlate {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double CpuSeconds() {
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  return Seconds(used.ru_utime) + Seconds(used.ru_stime);
}

// proc_pid_statm(5): the second number, in pages.
double ResidentBytes() {
  unsigned long long pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%*u %llu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenDescriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator descriptors("/proc/self/fd", error);
  if (error) return 0;
  return static_cast<double>(std::distance(begin(descriptors), end(descriptors)) - 1);
}

}  // namespace

ProcessMetrics::ProcessMetrics() { start_time_seconds_ = static_cast<double>(RealtimeNs()) / 1e9; }

std::vector<prometheus::MetricFamily> ProcessMetrics::Collect() const {
  const auto family = [](const char* name, const char* help, prometheus::MetricType type,
                         double value) {
    prometheus::ClientMetric metric;
    if (type == prometheus::MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    return prometheus::MetricFamily{name, help, type, {metric}};
  };
  using prometheus::MetricType;
  return {
      family("process_cpu_seconds_total", "CPU time of this process, user and system.",
             MetricType::Counter, CpuSeconds()),
      family("process_resident_memory_bytes", "Memory of this process.", MetricType::Gauge,
             ResidentBytes()),
      family("process_open_fds", "Open file descriptors.", MetricType::Gauge, OpenDescriptors()),
      family("process_start_time_seconds", "When this process began, since the epoch.",
             MetricType::Gauge, start_time_seconds_)};
}

}  // namespace correlate
