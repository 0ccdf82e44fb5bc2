// Files of this folder as text in the program: rules.proto, example.textproto and
// prometheus_rules.yaml.
#ifndef ALERT_TEXTS_H_
#define ALERT_TEXTS_H_

#include "absl/strings/string_view.h"

namespace correlate {

absl::string_view AlertSchema();
absl::string_view AlertExample();
absl::string_view PrometheusRules();

}  // namespace correlate

#endif  // ALERT_TEXTS_H_
