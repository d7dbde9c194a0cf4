#include "core/model/error.h"

#include <new>

namespace headroom::model {

std::string sentenceOf(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    return "Out of memory: the model, its cache or what is captured does not fit";
  } catch (const std::exception& thrown) {
    return thrown.what();
  }
  return {};
}

}  // namespace headroom::model
