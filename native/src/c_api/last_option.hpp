// The option that the last failed create of this thread refused.
#pragma once

namespace blindspot {

void clear_refused_option();

// name must outlive the program: a literal.
void refuse_option(const char* name);

}  // namespace blindspot
