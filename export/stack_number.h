// A number for a call stack that is made of its names alone, so that it is the same in every
// recording and on every host: FNV-1a, 64 bits.
#ifndef EXPORT_STACK_NUMBER_H_
#define EXPORT_STACK_NUMBER_H_

#include <cstdint>

#include "symbolize/correlated_event.h"

namespace correlate {

uint64_t StackNumber(const Stack& stack);  // never 0

}  // namespace correlate

#endif  // EXPORT_STACK_NUMBER_H_
