#include "alert/rule.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "alert/rules.pb.h"
#include "base/status_macros.h"
#include "render/units.h"

namespace correlate {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kMostWindowNs = 3600 * kSecondNs;
constexpr uint32_t kMostAlerts = 100'000;
constexpr uint64_t kTimeoutNs = 10 * kSecondNs;
constexpr uint64_t kMostTimeoutNs = 300 * kSecondNs;

// Protobuf counts lines and columns from 0.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!text.empty()) return;
    text = line < 0 ? message : absl::StrCat(line + 1, ":", column + 1, ": ", message);
  }
  std::string text;
};

// A rule whose values are checked one after the other: the first one that is wrong is kept.
class Reader {
 public:
  Reader(const alert::Rule& rule, std::string where) : rule_(rule), where_(std::move(where)) {}

  absl::Status Fail(const char* field, absl::string_view why) const {
    return absl::InvalidArgumentError(absl::StrCat(where_, field, ": ", why));
  }

  absl::StatusOr<uint64_t> Time(const char* field, const std::string& text,
                                uint64_t without) const {
    if (text.empty()) return without;
    const auto time_ns = ParseDuration(text);
    if (!time_ns.ok()) return Fail(field, time_ns.status().message());
    return *time_ns;
  }

  absl::StatusOr<AlertRule> Read(absl::Span<const alert::Action* const> default_actions) const;

 private:
  absl::Status ReadTimes(AlertRule* rule) const;
  template <typename Message>
  absl::StatusOr<HttpTarget> ReadTarget(const char* kind, const Message& message) const;
  absl::StatusOr<AlertAction> ReadWebhook(const alert::Webhook& webhook) const;
  absl::StatusOr<AlertAction> ReadAlertmanager(const alert::Alertmanager& manager) const;
  absl::StatusOr<AlertAction> ReadSnapshot(const alert::Snapshot& snapshot) const;
  absl::StatusOr<AlertAction> ReadAction(const alert::Action& action) const;

  const alert::Rule& rule_;
  const std::string where_;
};

absl::Status Reader::ReadTimes(AlertRule* rule) const {
  ASSIGN_OR_RETURN(rule->window_ns, Time("window", rule_.window(), 60 * kSecondNs));
  if (rule->window_ns < kSecondNs || rule->window_ns > kMostWindowNs ||
      rule->window_ns % kSecondNs != 0) {
    return Fail("window", "whole seconds, from 1s to 1h");
  }
  ASSIGN_OR_RETURN(rule->for_ns, Time("for", rule_.for_(), 0));
  ASSIGN_OR_RETURN(rule->keep_ns, Time("keep", rule_.keep(), 0));
  ASSIGN_OR_RETURN(rule->silence_ns, Time("silence", rule_.silence(), 0));
  return absl::OkStatus();
}

template <typename Message>
absl::StatusOr<HttpTarget> Reader::ReadTarget(const char* kind, const Message& message) const {
  const auto name = [kind](const char* field) { return absl::StrCat("action.", kind, ".", field); };
  HttpTarget target = {.url = message.url(),
                       .bearer_token_file = message.bearer_token_file(),
                       .ca_file = message.ca_file(),
                       .cert_file = message.cert_file(),
                       .key_file = message.key_file()};
  if (!absl::StartsWith(target.url, "http://") && !absl::StartsWith(target.url, "https://")) {
    return Fail(name("url").c_str(), "begins with http:// or https://");
  }
  if (target.cert_file.empty() != target.key_file.empty()) {
    return Fail(name("cert_file").c_str(), "goes with key_file");
  }
  ASSIGN_OR_RETURN(target.timeout_ns, Time(name("timeout").c_str(), message.timeout(), kTimeoutNs));
  if (target.timeout_ns < 1'000'000 || target.timeout_ns > kMostTimeoutNs) {
    return Fail(name("timeout").c_str(), "from 1ms to 5m");
  }
  return target;
}

absl::StatusOr<AlertAction> Reader::ReadWebhook(const alert::Webhook& webhook) const {
  AlertAction read = {.kind = AlertAction::Kind::kWebhook};
  ASSIGN_OR_RETURN(read.target, ReadTarget("webhook", webhook));
  return read;
}

absl::StatusOr<AlertAction> Reader::ReadAlertmanager(const alert::Alertmanager& manager) const {
  AlertAction read = {.kind = AlertAction::Kind::kAlertmanager};
  ASSIGN_OR_RETURN(read.target, ReadTarget("alertmanager", manager));
  absl::StrAppend(&read.target.url, absl::EndsWith(read.target.url, "/") ? "" : "/",
                  "api/v2/alerts");
  ASSIGN_OR_RETURN(read.resend_ns,
                   Time("action.alertmanager.resend", manager.resend(), 60 * kSecondNs));
  if (read.resend_ns < kSecondNs) return Fail("action.alertmanager.resend", "no less than 1s");
  return read;
}

absl::StatusOr<AlertAction> Reader::ReadSnapshot(const alert::Snapshot& snapshot) const {
  AlertAction read = {.kind = AlertAction::Kind::kSnapshot};
  read.snapshot.file = snapshot.file();
  if (!absl::StartsWith(read.snapshot.file, "/")) {
    return Fail("action.snapshot.file", "the whole path of a file");
  }
  ASSIGN_OR_RETURN(read.snapshot.keep_ns,
                   Time("action.snapshot.keep", snapshot.keep(), 30 * kSecondNs));
  if (read.snapshot.keep_ns < kSecondNs) return Fail("action.snapshot.keep", "no less than 1s");
  read.snapshot.most_files = snapshot.most_files() == 0 ? 20 : snapshot.most_files();
  return read;
}

absl::StatusOr<AlertAction> Reader::ReadAction(const alert::Action& action) const {
  AlertAction read;
  switch (action.kind_case()) {
    case alert::Action::kPrint:
      return read;
    case alert::Action::kExec: {
      read.kind = AlertAction::Kind::kExec;
      read.command.assign(action.exec().command().begin(), action.exec().command().end());
      if (read.command.empty() || !absl::StartsWith(read.command.front(), "/")) {
        return Fail("action.exec.command", "the first one is the whole path of a program");
      }
      ASSIGN_OR_RETURN(read.timeout_ns,
                       Time("action.exec.timeout", action.exec().timeout(), kTimeoutNs));
      if (read.timeout_ns == 0) return Fail("action.exec.timeout", "more than nothing");
      return read;
    }
    case alert::Action::kWebhook:
      return ReadWebhook(action.webhook());
    case alert::Action::kAlertmanager:
      return ReadAlertmanager(action.alertmanager());
    case alert::Action::kSnapshot:
      return ReadSnapshot(action.snapshot());
    case alert::Action::KIND_NOT_SET:
      break;
  }
  return Fail("action", "says nothing of what is to be done");
}

absl::StatusOr<AlertRule> Reader::Read(
    absl::Span<const alert::Action* const> default_actions) const {
  AlertRule rule;
  rule.name = rule_.name();
  rule.source = rule_.SerializeAsString();
  const bool is_name =
      !rule.name.empty() && std::all_of(rule.name.begin(), rule.name.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
      });
  if (!is_name) return Fail("name", "letters, digits and _ are a name");
  if (!rule_.filter().empty()) {
    auto filter = Filter::Parse(rule_.filter());
    if (!filter.ok()) return Fail("filter", filter.status().message());
    rule.filter = *std::move(filter);
  }
  for (const std::string& name : rule_.by()) {
    auto key = ParseEventKey(name);
    if (!key.ok()) return Fail("by", key.status().message());
    rule.by.push_back(*std::move(key));
  }
  RETURN_IF_ERROR(ReadTimes(&rule));
  rule.per_second = rule_.per_second();
  rule.above = rule_.above();
  rule.below = rule_.below() == 0 ? rule.above : rule_.below();
  if (!std::isfinite(rule.above) || rule.above < 0) return Fail("above", "no less than 0");
  if (!std::isfinite(rule.below) || rule.below < 0 || rule.below > rule.above) {
    return Fail("below", "from 0 to `above`");
  }
  rule.severity = rule_.severity().empty() ? "warning" : rule_.severity();
  rule.summary = rule_.summary();
  rule.labels.insert(rule_.labels().begin(), rule_.labels().end());
  rule.most = rule_.most() == 0 ? 1000 : rule_.most();
  if (rule.most > kMostAlerts) return Fail("most", absl::StrCat("at most ", kMostAlerts));
  std::vector<const alert::Action*> actions;
  for (const alert::Action& action : rule_.action()) actions.push_back(&action);
  if (actions.empty()) actions.assign(default_actions.begin(), default_actions.end());
  for (const alert::Action* action : actions) {
    ASSIGN_OR_RETURN(AlertAction read, ReadAction(*action));
    absl::StrAppend(&rule.source, action->SerializeAsString());
    rule.actions.push_back(std::move(read));
  }
  return rule;
}

}  // namespace

absl::StatusOr<std::vector<AlertRule>> ParseRules(const std::string& text,
                                                  const std::string& name) {
  alert::Rules file;
  google::protobuf::TextFormat::Parser parser;
  FirstError error;
  parser.RecordErrorsTo(&error);
  google::protobuf::TextFormat::ParseInfoTree places;
  parser.WriteLocationsTo(&places);
  if (!parser.ParseFromString(text, &file)) {
    return absl::InvalidArgumentError(absl::StrCat(name, ":", error.text));
  }
  static const alert::Action& print = *[] {
    auto* action = new alert::Action;
    action->mutable_print();
    return action;
  }();
  std::vector<const alert::Action*> default_actions;
  for (const alert::Action& action : file.default_action()) default_actions.push_back(&action);
  if (default_actions.empty()) default_actions.push_back(&print);
  const auto* rule_field = alert::Rules::descriptor()->FindFieldByName("rule");
  std::vector<AlertRule> rules;
  std::set<std::string> names;
  for (int i = 0; i < file.rule_size(); ++i) {
    const auto place = places.GetLocation(rule_field, i);
    const std::string where = absl::StrCat(name, ":", place.line + 1, ":", place.column + 1,
                                           ": rule ", file.rule(i).name(), ": ");
    ASSIGN_OR_RETURN(AlertRule rule, Reader(file.rule(i), where).Read(default_actions));
    if (!names.insert(rule.name).second) {
      return absl::InvalidArgumentError(absl::StrCat(where, "another rule has this name"));
    }
    const auto snapshots = SnapshotsOf(rules);
    const auto own = SnapshotsOf(absl::MakeConstSpan(&rule, 1));
    if (snapshots.has_value() && own.has_value() && own != snapshots) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, "action.snapshot: has to be the same as that of the rules before"));
    }
    rules.push_back(std::move(rule));
  }
  if (rules.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": holds no rule"));
  }
  return rules;
}

std::optional<SnapshotSettings> SnapshotsOf(absl::Span<const AlertRule> rules) {
  for (const AlertRule& rule : rules) {
    for (const AlertAction& action : rule.actions) {
      if (action.kind == AlertAction::Kind::kSnapshot) return action.snapshot;
    }
  }
  return std::nullopt;
}

}  // namespace correlate
