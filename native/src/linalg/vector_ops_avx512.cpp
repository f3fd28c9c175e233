// Vector kernels for x86-64-v4; see vector_ops_impl.hpp.
#define BLINDSPOT_SET avx512
#define BLINDSPOT_VECTOR_BYTES 64
#include "linalg/vector_ops_impl.hpp"
