// Activations, numbered as model::Activation, and the soft cap. All in terms of exp() of what is not positive, which
// cannot overflow where tanh() of some drivers does.
#define SILU 0
#define GELU_TANH 1
#define GELU_ERF 2
#define GELU_TABLE 3

// 1 / (1 + exp(-x))
float sigmoid(float x) {
  const float e = exp(-abs(x));
  return (x >= 0.0 ? 1.0 : e) / (1.0 + e);
}

float tanhOf(float x) {
  const float e = exp(-2.0 * abs(x));
  return sign(x) * (1.0 - e) / (1.0 + e);
}

// Abramowitz and Stegun 7.1.26: within 1.5e-7.
float erfOf(float x) {
  const float t = 1.0 / (1.0 + 0.3275911 * abs(x));
  const float sum =
      t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(x) * (1.0 - sum * exp(-x * x));
}

float activate(uint activation, float x) {
  if (activation == SILU) return x * sigmoid(x);
  // 0.5 (1 + tanh(u)) = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
  if (activation == GELU_TANH) return x * sigmoid(1.5957691216 * (x + 0.044715 * x * x * x));
  return 0.5 * x * (1.0 + erfOf(x * 0.7071067812));
}

// cap * tanh(x / cap); x when there is no cap.
float softCapped(float x, float cap) { return cap > 0.0 ? cap * tanhOf(x / cap) : x; }
