// Vector kernels for x86-64-v3; see vector_ops_impl.hpp.
#define BLINDSPOT_SET avx2
#define BLINDSPOT_VECTOR_BYTES 32
#include "linalg/vector_ops_impl.hpp"
