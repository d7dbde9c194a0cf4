#pragma once

#include <cstdint>
#include <vector>

namespace headroom::model {

/// Beyond this magnitude GeluTable takes x, or 0, instead of its table.
inline constexpr float kGeluTableLimit = 10.0f;

/// What Activation::GeluTable looks up: entry i is GELU, by its tanh approximation in single precision, of
/// the half-precision number whose bits are i, rounded to half precision: [65536] bits. Answers of software
/// that uses ggml's table (github.com/ggml-org/ggml, ggml_table_gelu_f16) differ from the formula's by 2e-4.
std::vector<std::uint16_t> geluTable();

/// One value through the table.
double throughGeluTable(const std::vector<std::uint16_t>& table, double x);

}  // namespace headroom::model
