// What prints call stacks once all are counted. Internal to this folder.
#ifndef EXPORT_PROFILE_EXPORT_H_
#define EXPORT_PROFILE_EXPORT_H_

#include "export/export_format.h"
#include "export/stack_profile.h"

namespace correlate {

class ProfileExport : public SummaryExport {
 public:
  void OnRecording(const RecordingFacts& facts) override { profile_.OnRecording(facts); }
  void OnClocks(const ClockReading& clocks) override { profile_.OnClocks(clocks); }
  void OnFormat(const EventFormat& format) override { profile_.OnFormat(format); }
  void OnNetns(const Netns& netns) override { profile_.OnNetns(netns); }
  void OnEvent(const CorrelatedEvent& event) override { profile_.OnEvent(event); }

 protected:
  const StackProfile& profile() const { return profile_; }

 private:
  StackProfile profile_;
};

}  // namespace correlate

#endif  // EXPORT_PROFILE_EXPORT_H_
