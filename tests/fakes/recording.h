// A small recording as values, for tests of what prints or counts events: two drops, one of them
// freed inside a program's helper, and one XDP exception, with tables, clocks, a loss and an end.
#ifndef TESTS_FAKES_RECORDING_H_
#define TESTS_FAKES_RECORDING_H_

#include "symbolize/trace_sink.h"

namespace correlate {

// Feeds `sink` the whole recording, in the order in which a recording comes. Names are hostile on
// purpose: control characters, broken UTF-8, wide characters.
void FeedTestRecording(TraceSink& sink);

struct ManyEvents {
  uint64_t events = 0;
  uint32_t programs = 8;  // each drops on a device of its own
  uint32_t stacks = 200;
  uint64_t step_ns = 10'000;  // between two events
};
// Drops of several programs, devices, reasons and stacks, every 1000th an XDP exception; of
// programs' names one is hostile to web pages. The same every time.
void FeedManyEvents(const ManyEvents& many, TraceSink& sink);

}  // namespace correlate

#endif  // TESTS_FAKES_RECORDING_H_
