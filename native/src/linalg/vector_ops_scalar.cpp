// Vector kernels for any other target: the compiler turns 16-byte vectors into what it has (NEON, say,
// or scalars); see vector_ops_impl.hpp.
#define BLINDSPOT_SET scalar
#define BLINDSPOT_VECTOR_BYTES 16
#include "linalg/vector_ops_impl.hpp"
