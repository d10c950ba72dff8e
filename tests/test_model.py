import json
import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from errors import UserError
from train_gpt2 import GPT, MLP, Block, CausalSelfAttention, GPTConfig

SMALL = dict(vocab_size=65, context=16, n_layer=2, n_head=4, n_embd=32)


def small_gpt(**changes):
    """A GPT that a test can afford, with the same random weights every time."""
    torch.manual_seed(0)
    return GPT(GPTConfig(**(SMALL | changes)))


def random_ids(*shape):
    return torch.randint(SMALL["vocab_size"], shape, generator=torch.Generator().manual_seed(1))


def test_ids_in_logits_out():
    assert small_gpt()(random_ids(3, 7))[0].shape == (3, 7, 65)


def test_the_same_token_at_another_position_gets_other_logits():
    logits, _ = small_gpt()(torch.tensor([[5, 5]]))
    assert not torch.allclose(logits[0, 0], logits[0, 1])


def test_more_tokens_than_the_context_are_refused_with_both_numbers():
    with pytest.raises(AssertionError, match="17 tokens, but a context of 16"):
        small_gpt()(random_ids(1, 17))


def test_the_mlp_is_the_formula_of_the_paper():
    mlp, x = MLP(GPTConfig(**SMALL)), torch.randn(2, 3, 32)
    h = x @ mlp.c_fc.weight.T + mlp.c_fc.bias
    h = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))  # Hendrycks & Gimpel 2016
    torch.testing.assert_close(mlp(x), h @ mlp.c_proj.weight.T + mlp.c_proj.bias)


def test_a_block_that_writes_nothing_leaves_the_stream_as_it_was():
    block, x = Block(GPTConfig(**SMALL)), torch.randn(2, 3, 32)
    for name, weight in block.named_parameters():
        if "c_proj" in name:
            torch.nn.init.zeros_(weight)
    assert torch.equal(block(x), x)


def test_attention_is_the_formula_one_head_and_one_position_at_a_time():
    attention, x = CausalSelfAttention(GPTConfig(**SMALL)), torch.randn(9, 32)
    q, k, v = (x @ attention.c_attn.weight.T + attention.c_attn.bias).split(32, dim=-1)
    y = torch.zeros(9, 32)
    for t in range(9):
        for head in range(4):
            part = slice(8 * head, 8 * head + 8)
            scores = torch.stack([q[t, part] @ k[past, part] / math.sqrt(8) for past in range(t + 1)])
            y[t, part] = sum(w * v[past, part] for past, w in enumerate(scores.softmax(0)))
    torch.testing.assert_close(attention(x[None])[0], y @ attention.c_proj.weight.T + attention.c_proj.bias)


def test_attention_does_not_store_a_table_of_all_pairs():
    attention, x = CausalSelfAttention(GPTConfig(n_head=2, n_embd=16)), torch.randn(1, 1024, 16)
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
        attention(x)
    assert saved and max(saved) < 1024 * 1024  # by hand: 2 * 1024 * 1024 weights, kept for the backward pass


def test_a_token_changes_what_follows_it_and_nothing_before_it():
    model, ids = small_gpt(), random_ids(1, 10)
    before, _ = model(ids)
    ids[0, 6] = (ids[0, 6] + 1) % 65
    changed = (model(ids)[0] - before).abs().amax(dim=-1)[0]  # (T,)
    assert (changed[:6] == 0).all() and (changed[6:] > 0).all()


def test_heads_that_do_not_divide_the_width_are_refused_with_both_numbers():
    with pytest.raises(AssertionError, match="n_embd 32, but n_head 5"):
        small_gpt(n_head=5)


def test_gpt2_has_124_million_parameters():
    with torch.device("meta"):  # shapes without memory
        model = GPT(GPTConfig())
    assert model.num_parameters() == 124_439_808


def test_the_table_and_the_head_are_one_tensor_that_learns_from_both_ends():
    model = small_gpt()
    assert model.wte.weight is model.lm_head.weight
    idx, targets = torch.full((1, 4), 3), torch.full((1, 4), 5)
    model(idx, targets)[1].backward()
    rows = model.wte.weight.grad.abs().sum(dim=1)
    assert rows[3] > 0 and rows[5] > 0  # 3 was read, 5 was to be written


def test_every_parameter_has_the_initial_weights_of_openai():
    model = small_gpt(vocab_size=1000, context=200, n_embd=128, n_layer=3)
    for weight in model.parameters():
        torch.nn.init.constant_(weight, 5.0)  # whatever init_weights leaves out keeps it
    model.init_weights()
    residual = 0.02 / math.sqrt(2 * 3)
    std = {
        "wte": 0.02,
        "wpe": 0.01,
        "c_attn": 0.02,
        "c_fc": 0.02,
        "attn.c_proj": residual,
        "mlp.c_proj": residual,
    }
    for name, weight in model.named_parameters():
        if name == "wte.weight":
            assert len(weight) == 1024 and (weight[1000:] == 0).all()
            weight = weight[:1000]
        if name.endswith("bias"):
            assert (weight == 0).all(), name
        elif "ln_" in name:
            assert (weight == 1).all(), name
        else:
            expected = next(value for kind, value in std.items() if name.endswith(f"{kind}.weight"))
            assert weight.std().item() == pytest.approx(expected, rel=0.03), name
            assert abs(weight.mean().item()) < 0.05 * expected, name


def test_the_residual_stream_does_not_grow_with_depth():
    x = torch.randn(4, 16, 128, generator=torch.Generator().manual_seed(0))
    growth = {}
    for n_layer in (4, 32):
        y = x
        for block in small_gpt(n_embd=128, n_layer=n_layer).h:
            y = block(y)
        growth[n_layer] = (y - x).std().item()
    assert growth[32] == pytest.approx(
        growth[4], rel=0.3
    )  # without the scaling 2.8 = sqrt(32 / 4) times as much


def test_the_first_loss_is_ln_of_the_vocabulary_and_half_the_variance_of_the_logits():
    ids = torch.randint(50257, (8, 64), generator=torch.Generator().manual_seed(1))
    model = GPT(GPTConfig(context=64, n_layer=2), torch.Generator().manual_seed(0))
    variance = 768 * 0.02**2  # a logit is the sum of 768 products of a normed number and a weight
    assert model(ids, ids.roll(-1))[1].item() == pytest.approx(math.log(50257) + variance / 2, abs=0.05)


def test_the_generator_decides_the_weights():
    config = GPTConfig(**SMALL)
    first, again, other = (
        GPT(config, torch.Generator().manual_seed(seed)).state_dict() for seed in (7, 7, 8)
    )
    for name, weight in first.items():
        assert torch.equal(weight, again[name])
        assert torch.equal(weight, other[name]) == ("bias" in name or "ln_" in name)


def hugging_face_gpt2(folder, **changes):
    """A random GPT-2 as Hugging Face makes and saves it, no weight at its default."""
    from transformers import GPT2Config, GPT2LMHeadModel  # takes seconds: only where it is needed

    torch.manual_seed(2)
    sizes = dict(vocab_size=65, n_positions=16, n_layer=2, n_head=4, n_embd=32) | changes
    model = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, mean=0.1, std=0.3)
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("sizes", [{}, dict(n_layer=3, n_head=2, n_embd=48, vocab_size=101, n_positions=24)])
def test_loaded_weights_give_the_logits_of_hugging_face(tmp_path, sizes):
    theirs, ours, ids = hugging_face_gpt2(tmp_path, **sizes), GPT.from_pretrained(tmp_path), random_ids(3, 16)
    torch.testing.assert_close(ours(ids)[0], theirs(ids).logits, rtol=1e-4, atol=1e-4)


def test_dropout_is_where_hugging_face_has_it(tmp_path):
    from transformers import GPT2Config

    shares = dict(resid_pdrop=0.2, embd_pdrop=0.2, attn_pdrop=0.2)
    theirs, ids = hugging_face_gpt2(tmp_path, **shares).train(), random_ids(3, 16)
    ours = GPT.from_pretrained(tmp_path, dropout=0.2)
    logits = []
    for model in (ours, theirs):
        torch.manual_seed(0)  # the same random numbers, if they are drawn at the same places
        logits.append(model(ids)[0])
    torch.testing.assert_close(*logits, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(logits[0], ours.eval()(ids)[0], atol=1e-2)
    torch.testing.assert_close(ours(ids)[0], theirs.eval()(ids)[0], rtol=1e-4, atol=1e-4)
    ours.save_pretrained(tmp_path / "ours")
    saved = GPT2Config.from_pretrained(tmp_path / "ours")
    assert (saved.resid_pdrop, saved.embd_pdrop, saved.attn_pdrop) == (0.2, 0.2, 0.2)


def test_the_layout_of_the_file_on_the_hub_is_understood(tmp_path):
    theirs, ids = hugging_face_gpt2(tmp_path), random_ids(2, 9)
    weights = {}  # there, names have no prefix, and masks lie among the weights
    for name, weight in load_file(tmp_path / "model.safetensors").items():
        weights[name.removeprefix("transformer.")] = weight
    weights["h.0.attn.bias"] = torch.ones(1, 1, 16, 16).tril()
    save_file(weights, tmp_path / "model.safetensors")
    torch.testing.assert_close(
        GPT.from_pretrained(tmp_path)(ids)[0], theirs(ids).logits, rtol=1e-4, atol=1e-4
    )


def spoil(folder, kind):
    """Make a saved GPT-2 unfit in one of the ways in which files are."""
    config = json.loads((folder / "config.json").read_text())
    weights = load_file(folder / "model.safetensors")
    if kind == "missing":
        del weights["transformer.h.1.mlp.c_fc.bias"]
    elif kind == "unexpected":
        weights["transformer.h.2.ln_1.weight"] = torch.ones(32)
    elif kind == "shape":
        weights["transformer.wpe.weight"] = torch.ones(17, 32)
    elif kind == "activation":
        config["activation_function"] = "relu"
    elif kind == "sizes":
        del config["n_head"]
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    if kind == "truncated":
        data = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize(
    "kind, message",
    [
        ("missing", r"Missing key.*h\.1\.mlp\.c_fc\.bias"),
        ("unexpected", r"Unexpected key.*h\.2\.ln_1\.weight"),
        ("shape", r"size mismatch for wpe\.weight.*17, 32.*16, 32"),
        ("activation", "its activation_function is 'relu', and only 'gelu_new' is implemented"),
        ("truncated", "SafetensorError"),
        ("sizes", "KeyError: 'n_head'"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_in_one_line(tmp_path, kind, message):
    hugging_face_gpt2(tmp_path)
    spoil(tmp_path, kind)
    with pytest.raises(UserError, match=message) as refusal:
        GPT.from_pretrained(tmp_path)
    assert "\n" not in str(refusal.value) and str(tmp_path) in str(refusal.value)


def test_a_folder_without_a_checkpoint_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(UserError, match="config.json.*use a folder with config.json and model.safetensors"):
        GPT.from_pretrained(tmp_path)


def test_a_name_that_is_no_folder_is_said_to_be_looked_for_on_the_hub(monkeypatch):
    def refuse(name, **_):
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(
        UserError, match="cannot load nobody/none, which is no folder here, from the hub: .*no net"
    ):
        GPT.from_pretrained("nobody/none")


def test_a_mistyped_folder_is_not_looked_for_on_the_hub(tmp_path, monkeypatch):
    from hellaswag import load_model

    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **_: asked.append(name))
    for folder in ("runs/my/best", "runs/intr", ".git", *(f"many/{number}" for number in range(10))):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "runs" / "notes.txt").touch()
    lines = {
        "runs/mi": "(in runs: intr, my)",
        "runs/mi/": "(in runs: intr, my)",
        "runs/my/step_000007": "(in runs/my: best)",
        "runs/mi/best": "(in runs: intr, my)",
        "./runs/mi": "(in runs: intr, my)",
        ".mi": "(in .: many, runs)",
        "runs/intr/best": "(in runs/intr: none)",
        "run/my/best": "(in .: many, runs)",
        "many/10": "(in many: 0, 1, 2, 3, 4, 5, 6, 7 and 2 more)",
        str(tmp_path / "nowhere"): f"(in {tmp_path}: many, runs)",
    }
    for name, there in lines.items():
        for load in (GPT.from_pretrained, load_model):
            with pytest.raises(UserError) as caught:
                load(name)
            assert str(caught.value) == f"no such folder: {name} {there}"
    for name in ("gpt3", "nobody/gpt3"):  # may be on the hub
        with pytest.raises(UserError, match="which is no folder here, from the hub"):
            GPT.from_pretrained(name)
    assert asked == ["gpt3", "nobody/gpt3"]


def test_greedy_text_is_that_of_hugging_face(tmp_path):
    theirs, ours, ids = hugging_face_gpt2(tmp_path), GPT.from_pretrained(tmp_path), random_ids(3, 4)
    expected = theirs.generate(ids, max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0)
    assert torch.equal(ours.generate(ids, 12, temperature=0), expected)


def test_the_generator_decides_the_samples():
    model, ids = small_gpt(), random_ids(2, 3)
    first, second, other = (
        model.generate(ids, 10, generator=torch.Generator().manual_seed(seed)) for seed in (7, 7, 8)
    )
    assert torch.equal(first, second) and not torch.equal(first, other)


def test_samples_come_from_the_top_k_as_often_as_their_probabilities_say():
    model, ids = small_gpt(), random_ids(1, 3)
    likeliest = (model(ids)[0][0, -1] / 0.7).topk(5)
    generator = torch.Generator().manual_seed(0)
    samples = model.generate(ids.repeat(20_000, 1), 1, temperature=0.7, top_k=5, generator=generator)[:, -1]
    frequencies = (samples == likeliest.indices[:, None]).float().mean(dim=1)
    torch.testing.assert_close(frequencies, likeliest.values.softmax(0), atol=0.015, rtol=0)
    torch.testing.assert_close(frequencies.sum(), torch.tensor(1.0))  # nothing else was drawn


def test_top_k_is_k_even_where_logits_are_equal():
    model = small_gpt()
    torch.nn.init.zeros_(model.lm_head.weight)  # all 65 tokens are equally likely
    samples = model.generate(random_ids(1, 3).repeat(500, 1), 1, top_k=5)[:, -1]
    assert len(samples.unique()) == 5


def test_text_longer_than_the_context_is_continued_from_its_end():
    model, ids = small_gpt(), random_ids(1, 40)
    continued = model.generate(ids, 3, temperature=0)
    assert torch.equal(continued[:, :40], ids)
    assert torch.equal(continued[:, 40:], model.generate(ids[:, -16:], 3, temperature=0)[:, 16:])


def test_the_loss_is_that_of_hugging_face(tmp_path):
    theirs, ours, ids = hugging_face_gpt2(tmp_path), GPT.from_pretrained(tmp_path), random_ids(3, 16)
    _, loss = ours(ids[:, :-1], ids[:, 1:])
    torch.testing.assert_close(
        loss, theirs(ids, labels=ids).loss, rtol=1e-4, atol=1e-4
    )  # it shifts by itself


def test_the_loss_is_float32_whatever_the_weights_are():
    logits, loss = small_gpt().bfloat16()(random_ids(2, 8), random_ids(2, 8))
    assert (logits.dtype, loss.dtype) == (torch.bfloat16, torch.float32)


def test_targets_of_minus_100_do_not_count():
    model, idx, targets = small_gpt(), random_ids(2, 8), random_ids(2, 8)
    targets[:, 5:] = -100
    torch.testing.assert_close(model(idx, targets)[1], model(idx[:, :5], targets[:, :5])[1])


def test_equal_logits_cost_ln_of_the_vocabulary():
    model = small_gpt()  # with a head of zeros it knows nothing: every token is as likely as any other
    torch.nn.init.zeros_(model.lm_head.weight)
    assert model(random_ids(2, 8), random_ids(2, 8))[1].item() == pytest.approx(math.log(65))


def test_the_padding_is_never_seen_and_never_learns(tmp_path):
    model = small_gpt()
    assert model.wte.weight.shape == (128, 32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(3):
        logits, loss = model(random_ids(2, 8), random_ids(2, 8))
        assert logits.shape == (2, 8, 65)
        loss.backward()
        optimizer.step()
    assert (model.wte.weight[65:] == 0).all() and (model.wte.weight[:65] != 0).all()


def test_no_sample_is_an_id_without_a_token():
    samples = small_gpt().generate(
        random_ids(500, 1), 8, temperature=100.0
    )  # so hot that all tokens are alike
    assert samples.max() == 64


@pytest.mark.parametrize("vocab_size", [65, 128, 257])
def test_what_is_saved_opens_in_transformers_with_the_same_logits(tmp_path, vocab_size):
    from transformers import AutoModelForCausalLM

    config = GPTConfig(vocab_size, 16, 2, 4, 32, tokenizer="bytes")
    model = GPT(config, torch.Generator().manual_seed(1))
    for weight in model.parameters():
        weight.data[: None if weight.dim() < 2 else vocab_size] += 0.05  # no weight at its default
    model.save_pretrained(tmp_path / "ours")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "ours")
    idx = torch.randint(vocab_size, (3, 16), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        logits, _ = model(idx)
        torch.testing.assert_close(theirs(idx).logits, logits, atol=1e-4, rtol=1e-4)
    assert theirs.transformer.wte.weight.shape == (vocab_size, 32)  # without the padding
    assert theirs.config.eos_token_id == theirs.config.bos_token_id == vocab_size - 1
    assert theirs.config.attn_pdrop == theirs.config.embd_pdrop == theirs.config.resid_pdrop == 0
    greedy = theirs.generate(idx[:1, :4], max_new_tokens=8, do_sample=False, eos_token_id=-1)
    assert greedy.tolist() == model.generate(idx[:1, :4], 8, temperature=0).tolist()


def test_what_is_saved_loads_bit_for_bit(tmp_path):
    model = GPT(GPTConfig(65, 16, 2, 4, 32, tokenizer="bytes"), torch.Generator().manual_seed(1))
    model.save_pretrained(tmp_path)
    again = GPT.from_pretrained(tmp_path)
    assert again.config == model.config
    for (name, weight), (_, other) in zip(model.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(weight, other), name
    assert again.wte.weight is again.lm_head.weight


def test_training_keeps_no_gradient_of_the_logits():
    """The compiled backward pass starts from one number, the loss, and the logits are not sliced in it."""
    from functorch.compile import make_boxed_func
    from torch._dynamo.backends.common import aot_autograd

    graphs = []

    def keep(graph, _):
        graphs.append(graph)
        return make_boxed_func(graph.forward)

    model = GPT(GPTConfig(65, 16, 1, 2, 32), torch.Generator().manual_seed(0))
    compiled = torch.compile(model, backend=aot_autograd(fw_compiler=keep, bw_compiler=keep), dynamic=False)
    idx = torch.randint(65, (2, 16), generator=torch.Generator().manual_seed(0))
    _, loss = compiled(idx, idx)
    loss.backward()
    _, backward = graphs
    inputs = [node for node in backward.graph.nodes if node.op == "placeholder"]
    assert [node.meta["val"].shape for node in inputs if "tangent" in node.name] == [()]
    assert not any("slice" in str(node.target) for node in backward.graph.nodes)


def test_the_loss_with_a_padded_table_is_that_of_the_true_columns():
    model = GPT(GPTConfig(65, 16, 1, 2, 32), torch.Generator().manual_seed(0))
    idx = torch.randint(65, (2, 16), generator=torch.Generator().manual_seed(0))
    logits, _ = model(idx)
    known, loss = model(idx, idx)
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), idx.flatten())
    assert torch.equal(known, logits) and torch.equal(loss, expected)
    gradients = [torch.autograd.grad(value, list(model.parameters())) for value in (loss, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.equal(ours, theirs)


def continue_plainly(model, idx, count):
    """The likeliest continuation by the definition: a forward pass over the whole window for each token."""
    for _ in range(count):
        logits, _ = model(idx[:, -model.config.context :])
        idx = torch.cat((idx, logits[:, -1].argmax(dim=-1, keepdim=True)), dim=1)
    return idx


@pytest.mark.parametrize(
    "rows, length, count", [(1, 1, 40), (3, 5, 11), (3, 5, 12), (2, 16, 5), (2, 40, 4), (0, 3, 2)]
)
@pytest.mark.parametrize(
    "changes", [{}, dict(n_layer=0), dict(n_head=1, n_layer=3), dict(context=1), dict(dropout=0.5)]
)
@torch.no_grad()
def test_the_cache_changes_no_token(rows, length, count, changes):
    model, idx = small_gpt(**changes).eval(), random_ids(rows, length)
    for weight in model.parameters():  # large weights, for a text with some variety
        weight += 0.3 * torch.randn(weight.shape)
    expected = continue_plainly(model, idx, count)
    assert torch.equal(model.generate(idx, count, temperature=0), expected)
    assert rows != 3 or changes or len(expected[:, length:].unique()) > 5


@torch.no_grad()
def test_each_position_is_computed_once_until_the_window_slides():
    model, seen = small_gpt(), []
    model.h[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    model.generate(random_ids(2, 5), 14)
    assert seen == [5] + [1] * 11 + [16, 16]  # positions 6 to 16 one by one, then whole windows


@torch.no_grad()
def test_the_cache_has_the_type_of_the_matrix_products():
    model, caches = small_gpt(), []
    assert model.make_cache(3, 16).dtype == torch.float32
    model.h[1].register_forward_pre_hook(lambda _, inputs: caches.append(inputs[1]))
    with torch.autocast("cpu", torch.bfloat16):
        model.generate(random_ids(3, 5), 2)
    assert [(cache.dtype, cache.shape) for cache in caches] == [(torch.bfloat16, (2, 3, 4, 7, 8))] * 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.no_grad()
def test_a_cache_can_be_continued_by_several_tokens(dtype):
    model, idx = small_gpt(), random_ids(3, 16)
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        cache = model.make_cache(3, 16)
        assert cache.dtype == dtype
        parts = [model(idx[:, first:end], None, cache, first)[0] for first, end in [(0, 6), (6, 7), (7, 16)]]
        expected, _ = model(idx)
    tolerance = 1e-5 if dtype == torch.float32 else 0.02
    torch.testing.assert_close(torch.cat(parts, dim=1), expected, atol=tolerance, rtol=0)
    with pytest.raises(AssertionError, match="17 tokens, but a context of 16"):
        model(idx[:, :1], None, cache, 16)


def test_a_cpu_computes_attention_in_float32():
    torch.manual_seed(0)
    attention, kept = CausalSelfAttention(GPTConfig(257, 64, 1, 4, 128)), []

    def keep(tensor):
        tensor.retain_grad()
        kept.append(tensor)

    attention.c_attn.register_forward_hook(lambda _, inputs, output: keep(output))
    attention.c_proj.register_forward_pre_hook(lambda _, inputs: keep(inputs[0]))
    with torch.autocast("cpu", torch.bfloat16):
        out = attention(4 * torch.randn(4, 64, 128, generator=torch.Generator().manual_seed(0)))
    out.float().square().sum().backward()
    qkv, y = kept
    assert qkv.dtype == y.dtype == torch.bfloat16
    exact = qkv.detach().double().requires_grad_()
    q, k, v = exact.view(4, 64, 3, 4, 32).permute(2, 0, 3, 1, 4)
    scores = (q @ k.mT / 32**0.5).masked_fill(torch.ones(64, 64).triu(1) > 0, -torch.inf)
    expected = (scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(4, 64, 128)
    expected.backward(y.grad.double())
    for found, wanted in [(y, expected), (qkv.grad, exact.grad)]:  # rounded once; its kernel rounds inside
        assert (found == wanted.bfloat16()).float().mean() > 0.97


def test_the_training_graph_has_no_break_and_no_mask():
    model, idx, graphs = small_gpt(), random_ids(2, 8), []

    def keep(graph, _):
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(model, backend=keep, fullgraph=True, dynamic=False)
    _, loss = compiled(idx, idx)
    loss.backward()
    assert len(graphs) == 1 and "tril" not in graphs[0].code
    torch.testing.assert_close(loss, model(idx, idx)[1])
