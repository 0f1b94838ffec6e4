"""Functions of torch that depend on what surrounds a row, and correct ones; each wrong one names the check it is for.

Asked once, in an even batch of plain arrays and in one thread, each is right.
"""

import torch

KEPT = {}  # between the calls of those that keep something
FAULTS = {}  # name -> (check, op, quantity, function)
SOUND = {}  # name -> (op, quantity, function)


def caught_by(check, op, quantity="value"):
    """Register a wrong function, and the check that is there for it."""

    def register(function):
        FAULTS[function.__name__] = (check, op, quantity, function)
        return function

    return register


def sound(op, quantity="value"):
    """Register a correct function."""

    def register(function):
        SOUND[function.__name__] = (op, quantity, function)
        return function

    return register


# Wrong, in batches


@caught_by("batch", "softmax")
def last_row_of_an_odd_batch(logits, axis):
    """Rows taken two by two, and the last of an odd batch forgotten."""
    p = torch.softmax(logits, axis)
    even = len(p) // 2 * 2
    return torch.cat([p[:even], torch.zeros_like(p[even:])])


@caught_by("batch", "logsumexp", "grad_logits")
def axis_found_by_its_length(logits, axis):
    """Classes looked for among the axes: the first of the right length is taken."""
    return torch.logsumexp(logits, list(logits.shape).index(logits.shape[axis]))


@caught_by("batch", "log_softmax")
def batch_of_one_squeezed(logits, axis):
    """A batch of one comes back as a row."""
    return torch.log_softmax(logits, axis).squeeze(0)


@caught_by("batch", "sparse_xent")
def batch_mean_leaks(logits, labels):
    """A millionth of the batch's mean in every row."""
    return torch.nn.functional.cross_entropy(logits + 1e-7 * logits.mean(0), labels, reduction="none")


@caught_by("batch", "softmax")
def shifted_by_the_batch_maximum(logits, axis):
    """One shift for all rows: enough while they are alike."""
    e = (logits - logits.max()).exp()
    return e / e.sum(axis, keepdim=True)


@caught_by("batch", "sigmoid")
def rows_from_128_on_unwritten(logits):
    """A grid of 128 blocks, one a row."""
    p = torch.sigmoid(logits)
    return torch.cat([p[:128], torch.zeros_like(p[128:])])


@caught_by("batch", "log_softmax")
def float64_for_a_single_row(logits, axis):
    """A single row takes a path that widens, and stays wide."""
    return torch.log_softmax(logits.double() if len(logits) == 1 else logits, axis)


# Wrong, in memory


@caught_by("layout", "softmax")
def strides_ignored(logits, axis):
    """The memory read in one go."""
    steps = torch.empty(logits.shape).stride()
    return torch.softmax(logits.as_strided(logits.shape, steps, logits.storage_offset()), axis)


@caught_by("layout", "log_softmax")
def offset_ignored(logits, axis):
    """The storage read from its beginning."""
    return torch.log_softmax(logits.as_strided(logits.shape, logits.stride(), 0), axis)


class ContiguousUpstream(torch.autograd.Function):
    """A backward pass that reads the incoming gradient's memory in one go."""

    @staticmethod
    def forward(context, logits):
        """Return the sigmoid."""
        p = torch.sigmoid(logits)
        context.save_for_backward(p)
        return p

    @staticmethod
    def backward(context, upstream):
        """Return the gradient of another upstream, where that is no contiguous one."""
        (p,) = context.saved_tensors
        steps = torch.empty(upstream.shape).stride()
        return upstream.as_strided(upstream.shape, steps, upstream.storage_offset()) * p * (1 - p)


@caught_by("layout", "sigmoid", "grad_logits")
def strides_of_upstream_ignored(logits):
    """The forward pass is right in every layout."""
    return ContiguousUpstream.apply(logits)


@caught_by("layout", "sparse_xent")
def row_stride_ignored(logits, labels):
    """Rows of a wider array read as if they lay back to back; only the last stride is looked at."""
    rows = logits if logits.stride(-1) == 1 else logits.contiguous()
    rows = rows.as_strided(rows.shape, (rows.shape[-1], 1), rows.storage_offset())
    return torch.nn.functional.cross_entropy(rows, labels, reduction="none")


@caught_by("strides", "sparse_xent")
def stride_of_labels_ignored(logits, labels):
    """Labels read one behind the other, however far apart they lie."""
    after_the_first = labels.untyped_storage().nbytes() // labels.element_size() - labels.storage_offset()
    index = torch.arange(len(labels)) % after_the_first
    memory = labels.as_strided((after_the_first,), (1,), labels.storage_offset())
    return torch.nn.functional.cross_entropy(logits, memory[index], reduction="none")


class OneUpstream(torch.autograd.Function):
    """A backward pass that takes an incoming gradient of stride 0 for that of a mean."""

    @staticmethod
    def forward(context, logits, axis):
        """Return the log of the sum."""
        context.save_for_backward(torch.softmax(logits, axis))
        context.axis = axis
        return torch.logsumexp(logits, axis)

    @staticmethod
    def backward(context, upstream):
        """Return the gradient."""
        (p,) = context.saved_tensors
        mean = upstream.stride() == (0,)
        return upstream.unsqueeze(context.axis) * p / (len(p) if mean else 1), None


@caught_by("summed", "logsumexp", "grad_logits")
def sum_taken_for_a_mean(logits, axis):
    """The forward pass is right, and so is the backward pass of whatever is no sum."""
    return OneUpstream.apply(logits, axis)


@caught_by("many_rows", "log_softmax")
def rows_counted_in_sixteen_bits(logits, axis):
    """Row 65 536 is row 0."""
    y = torch.log_softmax(logits, axis)
    return y[torch.arange(len(y)) % 65536]


@caught_by("label_dtype", "sparse_xent")
def bytes_taken_as_signed(logits, labels):
    """Labels of one byte read as signed: class 200 is class -56, counted from the end."""
    index = labels.view(torch.int8).long() % logits.shape[-1] if labels.dtype == torch.uint8 else labels
    return torch.nn.functional.cross_entropy(logits, index.long(), reduction="none")


@caught_by("threads", "logsumexp")
def second_threads_share_lost(logits, axis):
    """The rows of the second thread are never waited for."""
    y = torch.logsumexp(logits, axis)
    return torch.cat([y[: len(y) // torch.get_num_threads()], torch.zeros_like(y)])[: len(y)]


# Wrong, over time


@caught_by("again", "log_softmax")
def last_bit_by_chance(logits, axis):
    """Sums in whatever order the threads arrive."""
    noise = torch.randint(0, 2, logits.shape) * 2.0**-23
    return torch.log_softmax(logits, axis) * (1 + noise)


@caught_by("again", "sigmoid")
def every_third_call_is_another(logits):
    """A warm-up that goes on to a quicker kernel."""
    KEPT["calls"] = KEPT.get("calls", 0) + 1
    return torch.sigmoid(logits) if KEPT["calls"] % 3 else 1 / (1 + torch.exp(-logits))


@caught_by("untouched", "softmax")
def shifts_in_place(logits, axis):
    """The maximum taken off in the caller's memory, where softmax cannot see it."""
    probabilities = torch.softmax(logits, axis)
    logits.sub_(logits.amax(axis, keepdim=True))
    return probabilities


@caught_by("untouched", "sparse_xent", "grad_logits")
def labels_moved(logits, labels):
    """Labels counted from 1 in the caller's memory."""
    losses = torch.nn.functional.cross_entropy(logits, labels.clone(), reduction="none")
    labels.add_(1)
    return losses


@caught_by("kept", "softmax")
def one_buffer_a_shape(logits, axis):
    """The answer handed out is the buffer of the next call."""
    p = torch.softmax(logits, axis)
    return KEPT.setdefault(p.shape, torch.empty_like(p)).copy_(p)


@caught_by("kept", "log_softmax")
def answer_in_the_logits_memory(logits, axis):
    """The logits' memory used for the answer, to save some."""
    return logits.copy_(torch.log_softmax(logits, axis))


@caught_by("renewed", "softmax")
def answer_kept_by_address(logits, axis):
    """The answer kept under the address of its logits."""
    key = (logits.data_ptr(), logits.shape)
    if key not in KEPT:
        KEPT[key] = (logits, torch.softmax(logits, axis))  # keeps the address taken
    return KEPT[key][1]


@caught_by("renewed", "dense_xent")
def loss_kept_by_logits(logits, labels):
    """The loss kept with its logits, whatever the labels."""
    key = logits.detach().numpy().tobytes()
    return KEPT.setdefault(key, torch.nn.functional.cross_entropy(logits, labels, reduction="none"))


@caught_by("renewed", "log_softmax", "grad_logits")
def gradient_kept_by_logits(logits, axis):
    """The gradient kept with its logits, whatever comes in."""
    value = torch.log_softmax(logits.view_as(logits), axis)
    inner = logits.view_as(logits)
    inner.register_hook(lambda gradient: KEPT.setdefault(logits.detach().numpy().tobytes(), gradient))
    return torch.log_softmax(inner, axis) if logits.requires_grad else value


# Wrong, in the graph


class KeptGradient(torch.autograd.Function):
    """A backward pass that scales the gradient that it keeps, in place."""

    @staticmethod
    def forward(context, logits):
        """Return the sigmoid."""
        p = torch.sigmoid(logits)
        context.slope = p * (1 - p)
        return p

    @staticmethod
    def backward(context, upstream):
        """Return the gradient, which is the next one's slope."""
        return context.slope.mul_(upstream)


@caught_by("retained", "sigmoid", "grad_logits")
def gradient_scaled_in_place(logits):
    """Right the first time."""
    return KeptGradient.apply(logits)


class OneWorkspace(torch.autograd.Function):
    """Passes that share a workspace of the module's, whoever calls."""

    @staticmethod
    def forward(context, logits, axis):
        """Return the softmax, and keep it in the workspace."""
        context.axis = axis
        KEPT["p"] = torch.softmax(logits, axis)
        return KEPT["p"].clone()

    @staticmethod
    def backward(context, upstream):
        """Return the gradient of the last forward pass."""
        p = KEPT["p"]
        return p * (upstream - (upstream * p).sum(context.axis, keepdim=True)), None


@caught_by("interleaved", "softmax", "grad_logits")
def one_workspace_for_all(logits, axis):
    """Right as long as each forward pass is followed by its backward pass."""
    return OneWorkspace.apply(logits, axis)


class CountedPasses(torch.autograd.Function):
    """A gradient averaged over the forward passes since the last backward pass."""

    @staticmethod
    def forward(context, logits, axis):
        """Return the log of the softmax, and count."""
        y = torch.log_softmax(logits, axis)
        context.axis = axis
        context.save_for_backward(y)
        KEPT["passes"] = KEPT.get("passes", 0) + logits.requires_grad
        return y

    @staticmethod
    def backward(context, upstream):
        """Return the gradient, and count anew."""
        (y,) = context.saved_tensors
        gradient = upstream - y.exp() * upstream.sum(context.axis, keepdim=True)
        return gradient / max(KEPT.pop("passes", 1), 1), None


@caught_by("checkpointed", "log_softmax", "grad_logits")
def averaged_over_forward_passes(logits, axis):
    """A forward pass that is computed anew counts as another."""
    return CountedPasses.apply(logits, axis)


class MappedInTurn(torch.autograd.Function):
    """A rule of vmap that lays batches in rows, and takes rows for batches when it puts them back."""

    @staticmethod
    def forward(logits):
        """Return the sigmoid."""
        return torch.sigmoid(logits)

    @staticmethod
    def setup_context(context, _inputs, output):
        """Keep the answer."""
        context.save_for_backward(output)

    @staticmethod
    def backward(context, upstream):
        """Return the gradient."""
        (p,) = context.saved_tensors
        return upstream * p * (1 - p)

    @staticmethod
    def vmap(_info, in_dims, logits):
        """Return the batches' answers, and where their axis is."""
        batches = logits.movedim(in_dims[0], 0)
        rows = MappedInTurn.apply(batches.flatten(0, 1))
        return rows.unflatten(0, batches.shape[:2][::-1]), 1


@caught_by("mapped", "sigmoid", "grad_logits")
def batches_taken_for_rows(logits):
    """Right without a map, and in a map over batches of one row."""
    return MappedInTurn.apply(logits)


@caught_by("autocast", "softmax", "grad_logits")
def narrowed_where_autocast_is_on(logits, axis):
    """Logits rounded to autocast's dtype, as if softmax were one of the products that it is for."""
    narrow = torch.is_autocast_enabled("cpu")
    return torch.softmax(logits.to(torch.get_autocast_dtype("cpu")) if narrow else logits, axis).to(logits.dtype)


# Correct


@sound("softmax")
def softmax_of_torch(logits, axis):
    """Torch's own."""
    return torch.softmax(logits, axis)


@sound("logsumexp", "grad_logits")
def logsumexp_shifted(logits, axis):
    """The textbook, with autograd's gradient."""
    m = logits.detach().amax(axis, keepdim=True)
    return (m + (logits - m).exp().sum(axis, keepdim=True).log()).squeeze(axis)


@sound("sparse_xent", "grad_logits")
def sparse_xent_of_torch(logits, labels):
    """Torch's own loss."""
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none")


@sound("sparse_xent", "grad_logits")
def sparse_xent_that_refuses(logits, labels):
    """Strides, dtypes and all that is unusual are refused aloud."""
    if labels.dtype != torch.int64 or not (logits.is_contiguous() and labels.is_contiguous()):
        raise ValueError("expected contiguous logits and int64 labels")
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none")


class OwnSigmoid(torch.autograd.Function):
    """A kernel that does all that is wrong above as it ought to be done."""

    @staticmethod
    def forward(logits):
        """Return the sigmoid."""
        return torch.sigmoid(logits)

    @staticmethod
    def setup_context(context, _inputs, output):
        """Keep the answer."""
        context.save_for_backward(output)

    @staticmethod
    def backward(context, upstream):
        """Return the gradient."""
        (p,) = context.saved_tensors
        return upstream * p * (1 - p)

    @staticmethod
    def vmap(_info, in_dims, logits):
        """Return the batches' answers, and where their axis is."""
        batches = logits.movedim(in_dims[0], 0)
        return OwnSigmoid.apply(batches.flatten(0, 1)).unflatten(0, batches.shape[:2]), 0


@sound("sigmoid", "grad_logits")
def sigmoid_by_hand(logits):
    """The kernel, wherever it is called."""
    return OwnSigmoid.apply(logits)


@sound("log_softmax")
def log_softmax_row_by_row(logits, axis):
    """Every row by itself."""
    return torch.stack([torch.log_softmax(row, axis) for row in logits])


@sound("dense_xent", "grad_labels")
def dense_xent_kept_by_numbers(logits, labels):
    """The log-softmax kept with all that it depends on, and copied for each answer."""
    key = logits.detach().numpy().tobytes()
    return -(labels * KEPT.setdefault(key, torch.log_softmax(logits.detach(), -1)).clone()).sum(-1)
