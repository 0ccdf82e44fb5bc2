// Changes one thing in a protobuf message, by its descriptor: a number, a text, an element more,
// less or elsewhere. Blind changes of its bytes mostly break the lengths around them.
#ifndef TESTS_FUZZ_MESSAGE_MUTATOR_H_
#define TESTS_FUZZ_MESSAGE_MUTATOR_H_

#include <google/protobuf/message.h>

namespace correlate {

// `seed` decides which and how; only where bytes change does libFuzzer's own mutator take part.
void MutateMessage(google::protobuf::Message* message, unsigned int seed);

}  // namespace correlate

#endif  // TESTS_FUZZ_MESSAGE_MUTATOR_H_
