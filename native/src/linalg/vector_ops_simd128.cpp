// Vector kernels for WebAssembly with SIMD128; see vector_ops_impl.hpp.
#define BLINDSPOT_SET simd128
#define BLINDSPOT_VECTOR_BYTES 16
#include "linalg/vector_ops_impl.hpp"
