// Vector kernels for every x86-64 machine; see vector_ops_impl.hpp.
#define BLINDSPOT_SET sse2
#define BLINDSPOT_VECTOR_BYTES 16
#include "linalg/vector_ops_impl.hpp"
