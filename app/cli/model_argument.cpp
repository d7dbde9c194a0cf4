#include "app/cli/model_argument.h"

#include "core/formats/bundled_models.h"
#include "core/formats/load_model.h"

namespace headroom::cli {

model::Model openModel(const std::string& argument) {
  return formats::loadModel(formats::resolveModel(argument));
}

}  // namespace headroom::cli
