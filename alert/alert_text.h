// An alert in words and as JSON (docs/alerts.md), with what may have led to it and how to see more.
#ifndef ALERT_ALERT_TEXT_H_
#define ALERT_ALERT_TEXT_H_

#include <string>

#include "alert/alert_engine.h"
#include "render/event_fields.h"
#include "render/wall_clock.h"
#include "report/host_changes.h"

namespace correlate {

// Borrowed.
struct AlertContext {
  const WallClock& clock;
  const HostChanges& changes;
  std::string host;
  std::string trace;  // that it was raised from; empty: live
};

Json AlertToJson(const Alert& alert, const AlertContext& context);
// As Alertmanager's API v2 wants it; of one that lasts without endsAt. `json`: what AlertToJson
// says.
Json AlertmanagerAlert(const Alert& alert, const AlertContext& context, const Json& json);
// "2026-11-21T19:31:02Z firing xdp_exceptions (critical) program=xdp_abort #46: 250 in 60 s"
std::string AlertLine(const Alert& alert, const AlertContext& context);

}  // namespace correlate

#endif  // ALERT_ALERT_TEXT_H_
