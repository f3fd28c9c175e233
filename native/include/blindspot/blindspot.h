/* blindspot.h: the only door to the C++ core.
 *
 * Two step machines share one shape, ask and tell: the core never calls back. The caller reads the
 * points that the core wants evaluated, evaluates them, writes values and gradients into the core's
 * own memory, and tells.
 *
 *   minimizer   a smooth function in a box                (bs_minimizer_*)
 *   search      minimum-distortion adversarial examples,
 *               many images at once, one lane each        (bs_search_*)
 *
 * Contract of every function
 *   - does not throw; does not allocate, except *_create;
 *   - is not thread-safe on one handle; handles are independent of one another;
 *   - a pointer that it returns belongs to the handle, is fixed from create to free, and is aligned
 *     to 64 bytes.
 *
 * Options and results are structs of double alone (integers are exact up to 2^53), so that a binding
 * passes a Float64Array and needs to know only the order of the fields. scripts/generate mirrors
 * every enum and struct of this file into ts/kernel/abi.generated.ts; CI fails when that is stale. An option's comment begins with
 * what it may be, and what it is unless asked otherwise; both sides of the ABI check by tables made from that:
 *   integer 1..64 = 10; …    number >= 0 = 1e-5; …    flag = 0; …    bs_effort = BS_EFFORT_FAST; …    without "=": to be given
 */
#ifndef BLINDSPOT_BLINDSPOT_H
#define BLINDSPOT_BLINDSPOT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- status */

/* What a call answers. Every code states what holds; bs_status_message gives it in words. */
typedef enum bs_status {
  BS_OK = 0,
  BS_ERROR_ALLOCATION = 1, /* create could not get its memory */
  BS_ERROR_OPTION = 2,     /* an option is outside its range; bs_last_option names it */
  BS_ERROR_BOUNDS = 3,     /* lower > upper, or a bound is NaN, at some element */
  BS_ERROR_START = 4,      /* a start value (x, image) is not finite */
  BS_ERROR_LABEL = 5,      /* label or target is not a class, or target = label */
  BS_ERROR_FULL = 6,       /* submit: no lane is free */
  BS_ERROR_STATE = 7       /* the call does not fit the state: tell without ask, … */
} bs_status;

/* A line of English for any bs_status; never null. */
const char* bs_status_message(int32_t status);

/* Name of the option that the last failed *_create of this thread refused; "" if none. */
const char* bs_last_option(void);

/* "sse2", "avx2", "avx512", "simd128", "neon" or "scalar": the instruction set in use. */
const char* bs_instruction_set(void);

/* Restricts dispatch to the named set, for tests and benchmarks: BS_OK, or BS_ERROR_OPTION when this
 * build or machine lacks it. Affects handles created afterwards. */
int32_t bs_use_instruction_set(const char* name);

/* ------------------------------------------------------------- minimizer */

typedef enum bs_method {
  BS_METHOD_LBFGSB = 0, /* Byrd, Lu, Nocedal & Zhu 1995; Morales & Nocedal 2011 */
  BS_METHOD_SPG = 1     /* Birgin, Martinez & Raydan 2000 */
} bs_method;

/* Where a minimizer stands. All but the first end it. pg is the projected gradient P(x-g)-x. */
typedef enum bs_minimizer_status {
  BS_MINIMIZER_EVALUATE = 0,        /* evaluate f and its gradient at x, then tell */
  BS_MINIMIZER_CONVERGED_PG = 1,    /* max |pg_i| <= pg_tolerance */
  BS_MINIMIZER_CONVERGED_F = 2,     /* (f_k - f_k+1) / max(|f_k|,|f_k+1|,1) <= f_tolerance */
  BS_MINIMIZER_MAX_ITERATIONS = 3,  /* iterations = max_iterations */
  BS_MINIMIZER_MAX_EVALUATIONS = 4, /* evaluations = max_evaluations */
  BS_MINIMIZER_LINE_SEARCH = 5,     /* no acceptable step along the projected steepest descent */
  BS_MINIMIZER_NOT_FINITE = 6       /* f or its gradient was NaN or infinite at the start point */
} bs_minimizer_status;

typedef struct bs_minimizer bs_minimizer;

typedef struct bs_minimizer_options {
  double n;               /* integer 1..2147483647; variables */
  double precision;       /* one of 32, 64 = 64; the type of x, bounds, gradient */
  double method;          /* bs_method = BS_METHOD_LBFGSB; */
  double memory;          /* integer 1..64 = 10; m, correction pairs kept */
  double pg_tolerance;    /* number >= 0 = 1e-5; */
  double f_tolerance;     /* number >= 0 = 2.220446049250313e-9; relative: 1e7 machine epsilons */
  double max_iterations;  /* limit >= 0 = 15000; */
  double max_evaluations; /* limit >= 1 = 15000; */
} bs_minimizer_options;

typedef struct bs_minimizer_result {
  double status;  /* bs_minimizer_status */
  double f;       /* value at x */
  double pg_norm; /* max |pg_i| at x */
  double iterations;
  double evaluations;
} bs_minimizer_result;

int32_t bs_minimizer_create(const bs_minimizer_options* options, bs_minimizer** out);
void bs_minimizer_free(bs_minimizer* minimizer);

/* n elements each of float or double, by precision. Bounds start as -inf, +inf; x as 0. After the end
 * x holds the best point found and gradient its gradient. */
void* bs_minimizer_x(bs_minimizer* minimizer);
void* bs_minimizer_gradient(bs_minimizer* minimizer);
void* bs_minimizer_lower(bs_minimizer* minimizer);
void* bs_minimizer_upper(bs_minimizer* minimizer);

/* Begins (or begins anew) from x, projected on the bounds: BS_OK, BS_ERROR_BOUNDS, BS_ERROR_START. */
int32_t bs_minimizer_start(bs_minimizer* minimizer);

/* Takes f(x) and, from bs_minimizer_gradient, its gradient; afterwards x is the next point to evaluate
 * or, when bs_minimizer_result says so, the end. BS_ERROR_STATE when there is nothing to tell. */
int32_t bs_minimizer_tell(bs_minimizer* minimizer, double f);

void bs_minimizer_get_result(const bs_minimizer* minimizer, bs_minimizer_result* out);

/* ---------------------------------------------------------------- search */

typedef enum bs_search_method {
  BS_SEARCH_BOUNDARY = 0, /* min |y-x|^2 subject to smoothed margin <= 0 and the box */
  BS_SEARCH_PENALTY = 1,  /* Szegedy et al. 2013: min c|r|^2 + cross-entropy, bisection in log c */
  BS_SEARCH_DEEPFOOL =
      2 /* Moosavi-Dezfooli et al. 2016: onto the nearest linearised boundary, until the answer changes */
} bs_search_method;

/* What the length of a change y - x is measured in. */
typedef enum bs_norm {
  BS_NORM_L2 = 0 /* Euclidean */
} bs_norm;

/* Evaluations per image, method boundary, untargeted and targeted. */
typedef enum bs_effort {
  BS_EFFORT_FAST = 0,      /* 44, 50: the nearest classes */
  BS_EFFORT_THOROUGH = 1,  /* 400, 300: all of them, and restarts */
  BS_EFFORT_EXHAUSTIVE = 2 /* 3000: restarts as long as there are evaluations */
} bs_effort;

/* How a lane ended. */
typedef enum bs_lane_status {
  BS_LANE_RUNNING = 0,
  BS_LANE_CONVERGED = 1,  /* success; no step brings a gain, and relative KKT residual <= 0.05 */
  BS_LANE_BUDGET = 2,     /* success; evaluations = the budget */
  BS_LANE_ALREADY = 3,    /* the image itself has hard margin < 0: distortion 0 */
  BS_LANE_FAILED = 4,     /* no adversarial point within the budget */
  BS_LANE_NOT_FINITE = 5, /* the model answered NaN or infinity at the image itself */
  BS_LANE_STALLED = 6     /* success; the search ended, but relative KKT residual > 0.05: nearer points are likely */
} bs_lane_status;

typedef struct bs_search bs_search;

typedef struct bs_search_options {
  double n;               /* integer 1..2147483647; pixels of an image */
  double classes;         /* integer 2..2147483647; logits of the model */
  double lanes;           /* integer 1..65536; images searched at once */
  double method;          /* bs_search_method = BS_SEARCH_BOUNDARY; */
  double effort;          /* bs_effort = BS_EFFORT_FAST; */
  double lower;           /* number -1e30..1e30 = 0; box of every pixel */
  double upper;           /* number -1e30..1e30 = 1; above lower */
  double max_evaluations; /* integer 0..2147483647 = 0; budget of an image; 0: the default of method and effort */
  double confidence;      /* number 0..1e30 = 0; success: hard margin < -confidence (logits); 0: what float32 tells */
  double quantization;    /* integer 0..16 = 0; 0, or bits b: search on the lattice of 2^b levels of [lower, upper] */
  double seed;            /* integer 0..9007199254740991 = 0; of random restarts */
  double smoothable;      /* flag = 0; the gradients told are as smooth as bs_search_smoothing asks */
  double norm;            /* bs_norm = BS_NORM_L2; what the length of a change is measured in */
} bs_search_options;

typedef struct bs_search_result {
  double id;               /* as submitted */
  double status;           /* bs_lane_status */
  double distance;         /* |y-x| in the norm asked for, of the float32 pixels delivered; NaN when FAILED */
  double margin;           /* hard margin of these pixels; adversarial <=> negative */
  double prediction;       /* class the model answers on these pixels */
  double clean_prediction; /* class the model answers on the image */
  double evaluations;      /* gradient evaluations spent */
  double kkt_residual;     /* |P(f + mu a)| / |f|, f = y-x, a = gradient of s, mu >= 0 best; NaN when not known */
  double starts;           /* starts made (1, more with restarts) */
  double slope;            /* |grad s| at the image, in the model's own logits; NaN where it is not finite */
} bs_search_result;

int32_t bs_search_create(const bs_search_options* options, bs_search** out);
void bs_search_free(bs_search* search);

/* Bytes that create would take, without taking them; NaN for options that create would refuse. */
double bs_search_bytes(const bs_search_options* options);

/* Rows that ask fills, row-major. The model answers with logits and the gradient of the smoothed margin:
 *   s = sign * (temperature * log sum_{j != k} exp(z_j / temperature) - z_k),  k the class of one_hot,
 * sign +1 towards class k (targeted), -1 away from it (untargeted). A smoothing w > 0 asks for a gradient in which the
 * network's kinks (of ReLU, max-pooling) are rounded over a width of w root mean squares of the values at that place; for 0
 * it is exact. */
float* bs_search_points(bs_search* search);      /* [lanes, n] */
float* bs_search_one_hot(bs_search* search);     /* [lanes, classes] */
float* bs_search_sign(bs_search* search);        /* [lanes] */
float* bs_search_temperature(bs_search* search); /* [lanes] */
float* bs_search_smoothing(bs_search* search);   /* [lanes]; 0 unless smoothable */

/* Rows that the caller fills before tell. */
float* bs_search_logits(bs_search* search);    /* [lanes, classes] */
float* bs_search_gradients(bs_search* search); /* [lanes, n] */

/* The image to submit next is written here: [n]. Values outside the box are refused by submit. */
float* bs_search_image(bs_search* search);

/* A point that may lie across the boundary is written here before submit: [n]; where all else fails, the search goes from the
 * image towards it. NaN in its first element, which submit leaves there: none. Values outside the box are refused. */
float* bs_search_start(bs_search* search);

/* Gives the image of bs_search_image to a free lane. target -1: untargeted.
 * BS_OK, BS_ERROR_FULL, BS_ERROR_LABEL, BS_ERROR_START. */
int32_t bs_search_submit(bs_search* search, double id, int32_t label, int32_t target);

/* Lanes that could take an image now. */
int32_t bs_search_free_lanes(const bs_search* search);

/* Fills rows [0, count) and answers count; 0 when no lane is running. */
int32_t bs_search_ask(bs_search* search);

/* Takes logits and gradients of the rows last asked for. BS_OK or BS_ERROR_STATE. */
int32_t bs_search_tell(bs_search* search);

/* Takes one finished lane: fills result, copies its example to bs_search_example ([n]), frees the lane
 * and answers 1; answers 0 when none is finished. For FAILED the example is the image. */
int32_t bs_search_take(bs_search* search, bs_search_result* out);
float* bs_search_example(bs_search* search);

#ifdef __cplusplus
}
#endif

#endif
