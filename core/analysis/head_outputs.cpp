#include "core/analysis/head_outputs.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/analysis/subspaces.h"

namespace headroom::analysis {

namespace {

using OutputMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
constexpr double kNoOutput = std::numeric_limits<double>::quiet_NaN();

/// W_O^T W_O, [queryDim][queryDim].
OutputMatrix gramOf(const model::Tensor& attentionOutput) {
  OutputMatrix gram = OutputMatrix::Zero(attentionOutput.columns, attentionOutput.columns);
  constexpr std::int64_t kRows = 256;
  std::vector<float> row(static_cast<std::size_t>(attentionOutput.columns));
  for (std::int64_t first = 0; first < attentionOutput.rows; first += kRows) {
    OutputMatrix rows(std::min(kRows, attentionOutput.rows - first), attentionOutput.columns);
    for (Eigen::Index index = 0; index < rows.rows(); ++index) {
      attentionOutput.readRow(first + index, row);
      rows.row(index) = Eigen::Map<const Eigen::RowVectorXf>(row.data(), rows.cols()).cast<double>();
    }
    gram.selfadjointView<Eigen::Lower>().rankUpdate(rows.transpose());
  }
  return gram.selfadjointView<Eigen::Lower>();
}

}  // namespace

bool hasOutputs(const model::AttentionShape& attention) {
  return attention.queryDim() <= kMostSubspaceColumns;
}

LayerOutputs outputsOf(const SecondMoments& outputs, const model::Tensor& attentionOutput,
                       const model::AttentionShape& attention) {
  const Eigen::Index heads = attention.queryHeadCount;
  const Eigen::Index headDim = attention.headDim;
  // sum_t <c_h, c_k> = sum_t z_h^T G_hk z_k = the sum of the elements of G_hk times those of sum_t z_h z_k^T.
  OutputMatrix inner = OutputMatrix::Zero(heads, heads);
  if (outputs.count() > 0) {
    const std::vector<double> products = outputs.products();
    const OutputMatrix weighted = gramOf(attentionOutput)
                                      .cwiseProduct(Eigen::Map<const OutputMatrix>(
                                          products.data(), outputs.columns(), outputs.columns()));
    for (Eigen::Index head = 0; head < heads; ++head) {
      for (Eigen::Index other = 0; other < heads; ++other)
        inner(head, other) = weighted.block(head * headDim, other * headDim, headDim, headDim).sum();
    }
  }
  LayerOutputs result;
  const double all = inner.sum();
  for (Eigen::Index head = 0; head < heads; ++head) {
    const double squares = std::max(0.0, inner(head, head));
    result.shares.push_back(all > 0.0 ? inner.row(head).sum() / all : kNoOutput);
    result.sizes.push_back(outputs.count() > 0 ? std::sqrt(squares / static_cast<double>(outputs.count()))
                                               : kNoOutput);
    for (Eigen::Index other = 0; other < heads; ++other) {
      const double sizes = std::sqrt(squares * std::max(0.0, inner(other, other)));
      result.cosines.push_back(sizes > 0.0 ? std::clamp(inner(head, other) / sizes, -1.0, 1.0) : kNoOutput);
    }
  }
  return result;
}

}  // namespace headroom::analysis
