// Status codes in words, the refused option, and the instruction set.
#include "blindspot/blindspot.h"
#include "c_api/last_option.hpp"
#include "linalg/instruction_set.hpp"

namespace {

#if defined(__wasm__) && !defined(__wasm_atomics__)
const char* refused_option = "";  // one thread, and a linker that takes no thread_local without atomics
#else
thread_local const char* refused_option = "";
#endif

}  // namespace

namespace blindspot {

void clear_refused_option() { refused_option = ""; }

void refuse_option(const char* name) { refused_option = name; }

}  // namespace blindspot

const char* bs_status_message(int32_t status) {
  switch (status) {
    case BS_OK: return "no error";
    case BS_ERROR_ALLOCATION: return "the memory that the handle needs could not be taken";
    case BS_ERROR_OPTION: return "an option is outside its range";
    case BS_ERROR_BOUNDS: return "a lower bound is above its upper bound, or a bound is not a number";
    case BS_ERROR_START: return "a start value is not finite, or outside the box";
    case BS_ERROR_LABEL: return "the label or target is not a class, or the target equals the label";
    case BS_ERROR_FULL: return "no lane is free";
    case BS_ERROR_STATE: return "the call does not fit the state: tell without ask, or a null handle";
    default: return "unknown status";
  }
}

const char* bs_last_option(void) { return refused_option; }

const char* bs_instruction_set(void) { return blindspot::instruction_set_name(); }

int32_t bs_use_instruction_set(const char* name) {
  return blindspot::use_instruction_set(name) ? BS_OK : BS_ERROR_OPTION;
}
