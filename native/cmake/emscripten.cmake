# Emscripten's own toolchain file, found from the em++ on the PATH.
find_program(BLINDSPOT_EMCONFIG em-config NO_CMAKE_FIND_ROOT_PATH REQUIRED)
execute_process(
  COMMAND ${BLINDSPOT_EMCONFIG} EMSCRIPTEN_ROOT
  OUTPUT_VARIABLE emscripten_root
  OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY
)
include(${emscripten_root}/cmake/Modules/Platform/Emscripten.cmake)
