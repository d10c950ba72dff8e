// GPT-2 in plain JavaScript: the model of train_gpt2.py, class by class, under the same names.
//
// train_gpt2.py works on tensors (B, T, C). Here there is one sequence, and a block's forward() takes one
// position t, so x is a plain vector of C numbers. All that position t needs from the positions before it are
// their keys and values. Attention keeps these (the "KV cache"), so a new token costs one position instead of
// T. Once a text is longer than the context, each new token moves all positions, and they are computed again.
// Dropout is missing, because it acts in training only.
//
//   const model = GPT.from_pretrained(CHECKPOINT);       // the variable that export.py writes
//   const logits = model.forward(encode("def "));        // what may follow, 257 numbers
//   for (const token of model.generate(encode("def "), 100, 0.8, 50)) tokens.push(token);
"use strict";

// ---- What PyTorch brings ----------------------------------------------------------------------------------

class Linear {
  // y = x W + b. The checkpoint has W as (in, out): row i says where number i of x goes.
  constructor(weights, name) {
    this.weight = weights[`${name}.weight`];
    this.bias = weights[`${name}.bias`];
  }

  forward(x) {
    const { weight, bias } = this;
    const y = Float32Array.from(bias);
    for (let i = 0, w = 0; i < x.length; i++) {
      const value = x[i];
      for (let j = 0; j < y.length; j++, w++) y[j] += value * weight[w];
    }
    return y;
  }
}

class LayerNorm {
  // Shift and scale x to mean 0 and variance 1, then by learned numbers (Ba et al. 2016).
  constructor(weights, name) {
    this.weight = weights[`${name}.weight`];
    this.bias = weights[`${name}.bias`];
  }

  forward(x) {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    const scale = 1 / Math.sqrt(variance + 1e-5);
    return x.map((value, i) => (value - mean) * scale * this.weight[i] + this.bias[i]);
  }
}

function add(a, b) {
  return a.map((value, i) => value + b[i]);
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function gelu(x) {
  // The GELU that GPT-2 was trained with: its approximation by tanh (Hendrycks & Gimpel 2016).
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
}

function softmax(scores) {
  // Any numbers into probabilities. Subtracting the largest changes nothing, and exp() cannot overflow.
  const largest = Math.max(...scores);
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

// ---- The model --------------------------------------------------------------------------------------------

class CausalSelfAttention {
  // Each position reads from itself and from those before it (Vaswani et al. 2017, section 3.2).
  constructor(config, weights, name) {
    this.n_head = config.n_head;
    this.c_attn = new Linear(weights, `${name}.c_attn`); // query, key and value of all heads
    this.c_proj = new Linear(weights, `${name}.c_proj`);
    this.keys = []; // of the positions so far, each n_head vectors of C / n_head numbers
    this.values = [];
    this.attention = []; // attention[t][head][s]: how much of position s head reads at t; a row's sum is 1
  }

  forward(x, t) {
    const C = x.length;
    const qkv = this.c_attn.forward(x); // (3 C): all queries, then all keys, then all values
    const q = this.split(qkv.subarray(0, C));
    this.keys[t] = this.split(qkv.subarray(C, 2 * C));
    this.values[t] = this.split(qkv.subarray(2 * C));
    const y = new Float32Array(C);
    this.attention[t] = this.split(y).map((part, head) => {
      const scores = new Float32Array(t + 1); // causal: there is nothing to read after t
      for (let s = 0; s <= t; s++) scores[s] = dot(q[head], this.keys[s][head]) / Math.sqrt(part.length);
      const shares = softmax(scores);
      for (let s = 0; s <= t; s++) {
        const v = this.values[s][head];
        for (let i = 0; i < part.length; i++) part[i] += shares[s] * v[i]; // part is a piece of y
      }
      return shares;
    });
    return this.c_proj.forward(y);
  }

  split(x) {
    // The parts of a vector that belong to each head: (C) -> n_head x (C / n_head), without a copy.
    const size = x.length / this.n_head;
    return Array.from({ length: this.n_head }, (_, head) => x.subarray(head * size, (head + 1) * size));
  }
}

class MLP {
  // Feed-forward network, applied to each position independently: four times wider, GELU, and back.
  constructor(config, weights, name) {
    this.c_fc = new Linear(weights, `${name}.c_fc`);
    this.c_proj = new Linear(weights, `${name}.c_proj`);
  }

  forward(x) {
    return this.c_proj.forward(this.c_fc.forward(x).map(gelu));
  }
}

class Block {
  // Attention, then MLP: each reads a normalized copy of the residual stream and adds to the stream.
  constructor(config, weights, name) {
    this.ln_1 = new LayerNorm(weights, `${name}.ln_1`);
    this.attn = new CausalSelfAttention(config, weights, `${name}.attn`);
    this.ln_2 = new LayerNorm(weights, `${name}.ln_2`);
    this.mlp = new MLP(config, weights, `${name}.mlp`);
  }

  forward(x, t) {
    x = add(x, this.attn.forward(this.ln_1.forward(x), t));
    return add(x, this.mlp.forward(this.ln_2.forward(x)));
  }
}

class GPT {
  // GPT-2. Its modules have the names of OpenAI's checkpoint: wte, wpe, h.0.attn.c_attn, ..., ln_f.
  constructor(config, weights) {
    this.config = config;
    this.wte = weights["wte.weight"]; // (vocab_size, C)
    this.wpe = weights["wpe.weight"]; // (context, C)
    this.h = Array.from({ length: config.n_layer }, (_, i) => new Block(config, weights, `h.${i}`));
    this.ln_f = new LayerNorm(weights, "ln_f");
    this.weights = weights;
    this.idx = []; // the tokens at the positions that are computed, and what the last block gave for each
    this.stream = [];
  }

  static from_pretrained(checkpoint) {
    const weights = {};
    for (const [name, [, numbers]] of Object.entries(checkpoint.weights)) {
      weights[name] = from_base64(numbers);
    }
    return new GPT(checkpoint.config, weights);
  }

  num_parameters() {
    return Object.values(this.weights).reduce((sum, weight) => sum + weight.length, 0);
  }

  forward(idx) {
    // The logits of the token after idx, vocab_size numbers. Only positions that are new are computed.
    if (idx.length > this.config.context) {
      throw new Error(`${idx.length} tokens, but a context of ${this.config.context}`);
    }
    let t = 0;
    while (t < idx.length && idx[t] === this.idx[t]) t++;
    if (t < idx.length) this.idx.length = t; // what was computed for other tokens is void
    for (; t < idx.length; t++) {
      let x = add(row(this.wte, idx[t], this.config.n_embd), row(this.wpe, t, this.config.n_embd));
      for (const block of this.h) x = block.forward(x, t);
      this.stream[t] = x;
      this.idx[t] = idx[t];
    }
    return this.lm_head(this.ln_f.forward(this.stream[idx.length - 1]));
  }

  lm_head(x) {
    // One table reads and writes tokens (Press & Wolf 2017): a logit says how much x points to a token's row.
    const logits = new Float32Array(this.config.vocab_size);
    return logits.map((_, id) => dot(x, row(this.wte, id, x.length)));
  }

  *generate(idx, max_new_tokens, temperature = 1.0, top_k = 0, random = Math.random) {
    // Continue idx token by token. The model reads the last tokens, as many as the context holds.
    idx = [...idx];
    for (let count = 0; count < max_new_tokens; count++) {
      const logits = this.forward(idx.slice(-this.config.context));
      const token = choose(next_tokens(logits, temperature, top_k), random());
      idx.push(token);
      yield token;
    }
  }
}

function row(table, i, C) {
  return table.subarray(i * C, (i + 1) * C);
}

// ---- Sampling ---------------------------------------------------------------------------------------------

function next_tokens(logits, temperature = 1.0, top_k = 0) {
  // The k likeliest tokens (Fan et al. 2018), all if top_k is 0, as [{ id, probability }], likeliest first.
  // A temperature below 1 sharpens the distribution, one above 1 flattens it, and 0 takes the likeliest.
  if (temperature === 0) top_k = 1;
  const ids = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]);
  const likeliest = ids.slice(0, top_k || ids.length);
  const scores = likeliest.map((id) => (logits[id] - logits[ids[0]]) / Math.max(temperature, 1e-6));
  return softmax(scores).map((probability, i) => ({ id: likeliest[i], probability }));
}

function choose(tokens, random) {
  // Lay the probabilities side by side on a line from 0 to 1: which token lies at `random`?
  for (const { id, probability } of tokens) {
    random -= probability;
    if (random < 0) return id;
  }
  return tokens[0].id; // the sum is 1 but for rounding
}

// ---- Tokens -----------------------------------------------------------------------------------------------

const END = 256; // <|endoftext|>, which stood before each document
const PRIVATE = 0xe000; // Unicode's private characters stand for what is no text: END, part of a letter, \r

function encode(text) {
  // The bytes of UTF-8, each a token.
  const bytes = (character) => [...new TextEncoder().encode(character)];
  const code = (character) => character.codePointAt(0) - PRIVATE;
  return [...text].flatMap((c) => (code(c) >= 0 && code(c) <= END ? [code(c)] : bytes(c)));
}

function decode(tokens) {
  // The text of tokens; encode(decode(tokens)) is tokens again, even if they are not valid UTF-8.
  let text = "";
  for (let i = 0; i < tokens.length;) {
    const size = [0xc2, 0xe0, 0xf0].filter((first) => tokens[i] >= first && tokens[i] < END).length + 1;
    const bytes = Uint8Array.from(tokens.slice(i, i + size));
    const letter = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    const valid = tokens[i] < END && letter !== "\r" && encode(letter).join() === bytes.join();
    text += valid ? letter : String.fromCodePoint(PRIVATE + tokens[i]);
    i += valid ? size : 1;
  }
  return text;
}

// ---- Weights ----------------------------------------------------------------------------------------------

function from_base64(text) {
  // float16 numbers in base64, as export.py writes them, into float32.
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length).map((_, i) => binary.charCodeAt(i));
  const halves = new Uint16Array(bytes.buffer);
  return new Float32Array(halves.length).map((_, i) => from_half(halves[i]));
}

function from_half(bits) {
  // A float16 has a sign, 5 bits of exponent and 10 bits of fraction (IEEE 754).
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
}
