// A small recording as values, for tests of what prints or counts events: two drops, one of them
// freed inside a program's helper, and one XDP exception, with tables, clocks, a loss and an end.
#ifndef TESTS_FAKES_RECORDING_H_
#define TESTS_FAKES_RECORDING_H_

#include "symbolize/trace_sink.h"

namespace correlate {

// Feeds `sink` the whole recording, in the order in which a recording comes. Names are hostile on
// purpose: control characters, broken UTF-8, wide characters.
void FeedTestRecording(TraceSink& sink);

}  // namespace correlate

#endif  // TESTS_FAKES_RECORDING_H_
